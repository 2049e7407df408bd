//! Whatever comes, in whatever order: what the log says is what the coordinator says, nobody is forgotten, nothing has two owners.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// A step of a random client.
#[derive(Debug, Clone)]
struct Step {
    verb: u8,
    client: u8,
    group: u8,
    detail: u8,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (0u8..24, 0u8..6, 0u8..2, any::<u8>());
    let step = step.prop_map(|(verb, client, group, detail)| Step {
        verb,
        client,
        group,
        detail,
    });
    prop::collection::vec(step, 1..300)
}

/// A coordinator that has read the same log.
fn reread(scene: &Scene) -> GroupCoordinator {
    let mut machine = GroupCoordinator::new(config());
    scene.log.iter().for_each(|record| machine.replay(record));
    machine
}

/// The generation that the client believes in, most of the time.
fn generation(scene: &mut Scene, detail: u8) -> String {
    let group = scene
        .machine
        .recorded()
        .find(|(id, ..)| *id == scene.group_id);
    let recorded = group.and_then(|(_, generation, _)| generation.map(|g| g.generation_id));
    let recorded = recorded.unwrap_or(0);
    match detail % 8 {
        0 => (recorded - 1).to_string(),
        1 => "-1".into(),
        2..4 => recorded.to_string(),
        _ => (recorded + 1).to_string(),
    }
}

fn play_step(scene: &mut Scene, step: &Step) {
    let client = ["a", "b", "c", "d#i", "e#i", "f#j"][step.client as usize];
    let group = ["g", "h"][step.group as usize];
    scene.line(&format!("group {group}"));
    let detail = step.detail;
    let generation = generation(scene, detail);
    let line = match step.verb {
        0..6 => {
            let options = [
                "range=x",
                "range=y",
                "sticky=z range=x",
                "range=x old",
                "sticky=z old",
                "range=x anew",
            ];
            format!("join {client} {}", options[detail as usize % options.len()])
        }
        6..9 => format!("sync {client} {generation} a=A b=B c=C d=D e=E f=F"),
        9..11 => format!("sync {client} {generation}"),
        11..13 => format!("beat {client} {generation}"),
        13 => format!("leave {client}"),
        14..17 => format!("commit {client} {generation} t/{}={}", detail % 3, detail),
        17 => format!("commit - -1 t/{}={detail}", detail % 3),
        18 if detail < 30 => "delete".into(),
        18 => format!("drop t/{}", detail % 3),
        19 if detail < 30 => "gone t".into(),
        19 if detail < 60 => "crash".into(),
        19 => "fetch *".into(),
        20..22 => format!("+{}", u64::from(detail) * 10),
        22 => format!("+{}", u64::from(detail) * 100),
        _ => format!("+{}", u64::from(detail) * 5000),
    };
    scene.line(&line);
}

/// The whole of what the log keeps.
fn recorded(machine: &GroupCoordinator) -> Vec<String> {
    let groups = machine.recorded();
    groups
        .map(|(id, generation, offsets)| format!("{id} {generation:?} {offsets:?}"))
        .collect()
}

/// A stable group is as its record says, and no part has two owners.
fn check_groups(scene: &mut Scene) {
    let recorded: Vec<_> = scene
        .machine
        .recorded()
        .map(|(id, generation, _)| (id.to_owned(), generation.cloned()))
        .collect();
    for (group_id, generation) in recorded {
        scene.line(&format!("group {group_id}"));
        let command = GroupCommand::Ask {
            ticket: Ticket::MAX,
            group_id,
            request: GroupRequest::Describe,
        };
        let answers = scene.step(command);
        let [(_, Ok(GroupReply::Described(group)))] = &answers[..] else {
            panic!("{answers:?}");
        };
        if group.state != GroupState::Stable {
            continue;
        }
        let generation = generation.expect("a stable group is on record");
        let live: Vec<_> = group
            .members
            .iter()
            .map(|m| {
                (
                    m.member_id.clone(),
                    m.metadata.clone(),
                    m.assignment.clone(),
                )
            })
            .collect();
        let kept: Vec<_> = generation
            .members
            .iter()
            .map(|m| {
                (
                    m.member_id.to_string(),
                    m.subscription.clone(),
                    m.assignment.clone(),
                )
            })
            .collect();
        assert_eq!(live, kept);
        let owners: Vec<_> = kept
            .iter()
            .filter(|(_, _, part)| !part.is_empty())
            .collect();
        let parts: BTreeSet<_> = owners.iter().map(|(_, _, part)| part).collect();
        assert_eq!(parts.len(), owners.len(), "a part has one owner");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_log_says_what_the_coordinator_says(steps in steps()) {
        let mut scene = Scene::new(config());
        for step in &steps {
            play_step(&mut scene, step);
            prop_assert_eq!(recorded(&scene.machine), recorded(&reread(&scene)));
            check_groups(&mut scene);
        }
        // Once nobody asks any more everybody who waits is answered, everybody is gone, and some day every group.
        scene.pass(400_000);
        prop_assert!(scene.tickets.is_empty(), "{:?} still wait", scene.tickets);
        let empty = scene.machine.list().all(|group| group.state == GroupState::Empty);
        prop_assert!(empty);
        scene.pass(4_000_000);
        prop_assert!(scene.machine.is_empty() && scene.machine.sums().bytes == 0);
        prop_assert_eq!(scene.machine.next_deadline_ms(), None, "nothing is ever due again");
    }
}
