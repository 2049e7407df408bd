//! The names of a file system: what a process sees, and what is left of it when power is lost. A name is durable once its
//! directory was synced, or the whole file system.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use super::super::random::Random;
use super::content::{Content, Moment, Survival};

/// What a name stands for.
#[derive(Clone)]
pub enum Node {
    /// A directory.
    Directory,
    /// A file.
    File(Rc<RefCell<Content>>),
}

/// Changes that happen together, in one directory.
struct Change {
    moment: Moment,
    directory: String,
    sets: Vec<(String, Option<Node>)>,
}

/// All names, by their whole path.
#[derive(Default)]
pub struct Names {
    seen: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    unsynced: Vec<Change>,
}

/// The directory that holds `path`; of the root, the root.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(at) => &path[..at],
    }
}

impl Names {
    /// What stands at `path`.
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.seen.get(path)
    }

    /// The file at `path`.
    pub fn file(&self, path: &str) -> io::Result<Rc<RefCell<Content>>> {
        match self.seen.get(path) {
            Some(Node::File(content)) => Ok(content.clone()),
            Some(Node::Directory) => Err(io::ErrorKind::IsADirectory.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Whether `path` is a directory.
    pub fn is_directory(&self, path: &str) -> bool {
        path == "/" || matches!(self.seen.get(path), Some(Node::Directory))
    }

    /// The names in `directory`, in order.
    pub fn list(&self, directory: &str) -> io::Result<Vec<(String, Node)>> {
        if !self.is_directory(directory) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let prefix = format!("{}/", directory.trim_end_matches('/'));
        let below = self
            .seen
            .range(prefix.clone()..)
            .take_while(|(path, _)| path.starts_with(&prefix))
            .filter(|(path, _)| !path[prefix.len()..].contains('/'));
        Ok(below
            .map(|(path, node)| (path[prefix.len()..].to_owned(), node.clone()))
            .collect())
    }

    /// Puts these names there, or takes them away, together. All are of one directory.
    pub fn set(&mut self, sets: Vec<(String, Option<Node>)>, moment: Moment) {
        let directory = parent(&sets[0].0).to_owned();
        apply(&mut self.seen, &sets);
        self.unsynced.push(Change {
            moment,
            directory,
            sets,
        });
    }

    /// Takes `path` away with all below it.
    pub fn remove(&mut self, path: &str, moment: Moment) {
        let prefix = format!("{path}/");
        let below = self.seen.range(prefix.clone()..);
        let below = below.take_while(|(below, _)| below.starts_with(&prefix));
        let paths: Vec<String> = below.map(|(below, _)| below.clone()).collect();
        // The deepest first, as removing a directory goes.
        for below in paths.into_iter().rev() {
            self.set(vec![(below, None)], moment);
        }
        self.set(vec![(path.to_owned(), None)], moment);
    }

    /// Takes the file at `path` away, as if it had never been there. False: its name is not durable.
    pub fn vanish(&mut self, path: &str) -> bool {
        let named = |change: &Change| change.sets.iter().any(|(name, _)| name == path);
        let durable = self.durable.contains_key(path) && !self.unsynced.iter().any(named);
        if durable {
            self.seen.remove(path);
            self.durable.remove(path);
        }
        durable
    }

    /// There is a file at `path` again. False: nothing can stand there.
    pub fn appear(&mut self, path: &str, node: Node) -> bool {
        let possible = self.is_directory(parent(path)) && !self.seen.contains_key(path);
        if possible {
            self.seen.insert(path.to_owned(), node.clone());
            self.durable.insert(path.to_owned(), node);
        }
        possible
    }

    /// Changes in `directory` before `moment` are durable.
    pub fn sync(&mut self, directory: &str, moment: Moment) {
        let durable = &mut self.durable;
        self.unsynced.retain(|change| {
            let synced = change.directory == directory && change.moment < moment;
            if synced {
                apply(durable, &change.sets);
            }
            !synced
        });
    }

    /// All changes before `moment` are durable.
    pub fn sync_all(&mut self, moment: Moment) {
        let durable = &mut self.durable;
        self.unsynced.retain(|change| {
            if change.moment < moment {
                apply(durable, &change.sets);
            }
            change.moment >= moment
        });
    }

    /// Power is lost: some of the unsynced changes happened, in their order.
    pub fn lose_power(&mut self, survival: Survival, random: &Random) {
        for change in std::mem::take(&mut self.unsynced) {
            let happened = match survival {
                Survival::Nothing => false,
                Survival::Everything => true,
                Survival::Prefix(moment) => change.moment < moment,
                Survival::Pages | Survival::Sectors => random.one_in(2),
            };
            if happened {
                apply(&mut self.durable, &change.sets);
            }
        }
        // What stands in a directory that is not there cannot be reached.
        let mut reached = BTreeMap::new();
        for (path, node) in std::mem::take(&mut self.durable) {
            let above = parent(&path);
            if above == "/" || matches!(reached.get(above), Some(Node::Directory)) {
                reached.insert(path, node);
            }
        }
        self.seen.clone_from(&reached);
        self.durable = reached;
    }

    /// All files that a name, seen or durable, stands for.
    pub fn files(&self) -> impl Iterator<Item = (&String, &Rc<RefCell<Content>>)> {
        self.seen.iter().filter_map(|(path, node)| match node {
            Node::File(content) => Some((path, content)),
            Node::Directory => None,
        })
    }
}

fn apply(names: &mut BTreeMap<String, Node>, sets: &[(String, Option<Node>)]) {
    for (path, node) in sets {
        match node {
            Some(node) => names.insert(path.clone(), node.clone()),
            None => names.remove(path),
        };
    }
}
