//! What all verbs share: the cores they run on, the broker observed, progress, and the frame of a report.

use std::path::Path;

use crate::args::{MeasureArgs, OutputArgs, TargetArgs};
use crate::client::cluster::{Cluster, NewTopics};
use crate::clock::{as_ns, now_ns, unix_ms};
use crate::host::{Machine, pin_thread, raise_open_files, usable_cpus};
use crate::live::Live;
use crate::observe::{Observer, listener};
use crate::random::Random;
use crate::report::files::{write, write_hgrm, write_json};
use crate::report::requirements::{Requirement, check};
use crate::report::{Generator, Report, SCHEMA, Settings, html, judge, text};
use crate::run::{Cores, Phase, PhaseEnd, RunError};

use super::CommandError;

/// The frame around a command's phases.
pub struct Bench {
    /// Where load runs.
    pub cores: Cores,
    /// For progress and for the operator's end.
    pub live: Live,
    /// Drawn for this run of the program.
    pub run: u32,
    /// Of the broker.
    pub observer: Observer,
    requirements: Vec<Requirement>,
    machine: Machine,
    started_unix_ms: i64,
}

impl Bench {
    /// Sets up for a command.
    pub fn new(
        target: &TargetArgs,
        measure: &MeasureArgs,
        output: &OutputArgs,
    ) -> Result<Self, CommandError> {
        let requirements = measure.require.iter().map(|text| Requirement::parse(text));
        let usable = usable_cpus();
        let machine = Machine::read();
        let cpus = match &measure.cpus {
            Some(cpus) => cpus.0.clone(),
            None => {
                let wanted = measure.cores as usize;
                if wanted > usable.len() {
                    return Err(CommandError::Usage(format!(
                        "--cores {wanted}: this process may use {} CPUs",
                        usable.len()
                    )));
                }
                usable[usable.len() - wanted..].to_vec()
            }
        };
        // The main thread looks on: not from a CPU that the broker may be pinned to.
        pin_thread(&cpus);
        raise_open_files();
        let mut live = Live::new(output.quiet, output.kafka_output);
        if let Some(path) = &output.hlog {
            let failed = |error: std::io::Error| RunError::System {
                what: "--hlog",
                source: error,
            };
            live.log_to(path).map_err(failed)?;
        }
        let pid = measure.broker_pid.or_else(|| listener(&target.bootstrap));
        Ok(Self {
            cores: Cores {
                cpus,
                spin_ns: as_ns(measure.spin),
                reconnect_ns: as_ns(measure.reconnect),
            },
            live,
            run: Random::new(now_ns() ^ u64::from(std::process::id()) << 40).next() as u32,
            observer: Observer::new(pid, Some(measure.admin.clone())),
            requirements: requirements.collect::<Result<_, _>>()?,
            machine,
            started_unix_ms: unix_ms(),
        })
    }

    /// Looks the topics up; creates them if they are absent and `create` is wanted.
    pub fn cluster(&self, target: &TargetArgs, create: bool) -> Result<Cluster, CommandError> {
        let new = NewTopics {
            partitions: target.partitions,
            replication_factor: target.replication_factor,
            configs: target.topic_config.clone(),
        };
        let new = create.then_some(&new);
        Ok(Cluster::prepare(&target.bootstrap, &target.names(), new)?)
    }

    /// Runs a phase.
    pub fn phase(&mut self, phase: &Phase<'_>) -> Result<PhaseEnd, CommandError> {
        Ok(crate::run::run(phase, &mut self.observer, &mut self.live)?)
    }

    /// Runs a command's rounds and makes one report of them.
    pub fn rounds(
        &mut self,
        rounds: u32,
        mut round: impl FnMut(&mut Self, u32) -> Result<Report, CommandError>,
    ) -> Result<Report, CommandError> {
        let mut reports = Vec::new();
        for number in 0..rounds {
            if number > 0 {
                self.live.say(&format!("round {} of {rounds}", number + 1));
            }
            reports.push(round(self, number)?);
            if self.live.stopped() {
                break;
            }
        }
        let mut report = Report::of_rounds(reports).unwrap_or_default();
        check(&self.requirements, &mut report);
        Ok(report)
    }

    /// A report without measurements yet.
    pub fn report(&self, command: &str, name: Option<&str>, settings: Settings) -> Report {
        Report {
            schema: SCHEMA,
            command: command.to_owned(),
            name: name.map(str::to_owned),
            settings,
            generator: Generator {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                command_line: std::env::args().collect(),
                optimised: !cfg!(debug_assertions),
            },
            machine: self.machine.clone(),
            started_unix_ms: self.started_unix_ms,
            ..Report::default()
        }
    }
}

/// The settings that the cluster tells.
pub fn settings(cluster: &Cluster, acks: i16) -> Settings {
    let configs = cluster.configs();
    let places = cluster.places();
    let leaders: std::collections::BTreeSet<_> =
        places.iter().map(|place| cluster.leader(*place)).collect();
    Settings {
        bootstrap: cluster.bootstrap.clone(),
        topic: cluster.topics[0].name.clone(),
        topics: cluster.topics.len(),
        partitions: places.len(),
        leaders: leaders.len(),
        durability: judge::durability(acks, &configs),
        topic_configs: configs,
        ..Settings::default()
    }
}

/// Tells a result in every form that was asked for.
pub fn tell(report: &Report, output: &OutputArgs) -> Result<(), CommandError> {
    let json_replaces_table = output.json.as_deref() == Some(Path::new("-"));
    if !json_replaces_table {
        if output.kafka_output {
            write(Path::new("-"), |out| {
                writeln!(
                    out,
                    "{}",
                    crate::kafka_output::total(&report.main, report.started_unix_ms)
                )
            })?;
        } else {
            write(Path::new("-"), |mut out| text::write(&mut out, report))?;
        }
    }
    if let Some(path) = &output.json {
        write_json(path, report)?;
    }
    if let Some(path) = &output.hgrm {
        write_hgrm(path, report)?;
    }
    if let Some(path) = &output.csv {
        write(path, |out| text::write_csv(out, report))?;
    }
    if let Some(path) = &output.html {
        write(path, |out| html::write(out, std::slice::from_ref(report)))?;
    }
    Ok(())
}
