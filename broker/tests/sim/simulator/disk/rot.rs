//! Data at rest that is not what was written: bits flip, a write never arrived or went elsewhere, files are cut or gone. All
//! of it can be undone, as from a copy, where the broker has not written since.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::random::Random;
use super::SimDisk;
use super::content::{Content, Page};
use super::names::Node;

/// What becomes of data at rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rot {
    /// One bit of a page is another one.
    Flip,
    /// A page is as it was before it was written last.
    Stale,
    /// A page holds what another one of the file holds.
    Misdirected,
    /// The file is shorter.
    Cut,
    /// The file is gone.
    Gone,
}

/// All of them.
pub const ROTS: [Rot; 5] = [Rot::Flip, Rot::Stale, Rot::Misdirected, Rot::Cut, Rot::Gone];

/// What was done to one file.
pub struct Damage {
    /// Which.
    pub path: String,
    undo: Undo,
}

impl Damage {
    /// Whether the file was cut or taken away.
    pub fn is_whole_file(&self) -> bool {
        matches!(self.undo, Undo::File(..))
    }
}

enum Undo {
    /// The page at this place was the first and is the second.
    Page(usize, Page, Page),
    /// The whole file stood there, with this number for its bytes afterwards; `None`: it was taken away.
    File(Content, Option<u64>),
}

impl SimDisk {
    /// The paths of all files.
    pub fn paths(&self) -> Vec<String> {
        let names = self.0.names.borrow();
        names.files().map(|(path, _)| path.clone()).collect()
    }

    /// All bytes of a file; empty if there is none.
    pub fn bytes_of(&self, path: &str) -> Vec<u8> {
        let content = self.0.names.borrow().file(path);
        content.map_or(Vec::new(), |content| {
            let content = content.borrow();
            content.read(0, content.bytes() as usize).to_vec()
        })
    }

    /// Does this to a durable part of the file at `path`, in a page that `may` be hit. `None`: there was none.
    pub fn rot(
        &self,
        path: &str,
        rot: Rot,
        may: impl Fn(usize) -> bool,
        random: &Random,
    ) -> Option<Damage> {
        let content = self.0.names.borrow().file(path).ok()?;
        let undo = match rot {
            Rot::Flip | Rot::Stale | Rot::Misdirected => {
                let page = content.borrow().some_page(may, random)?;
                let (before, after) = content.borrow_mut().rot_page(page, rot, random)?;
                Undo::Page(page, before, after)
            }
            Rot::Cut => {
                let before = content.borrow().copy()?;
                content.borrow_mut().cut(random)?;
                let hash = content.borrow().hash();
                Undo::File(before, Some(hash))
            }
            Rot::Gone => {
                let before = content.borrow().copy()?;
                let vanished = self.0.names.borrow_mut().vanish(path);
                vanished.then_some(Undo::File(before, None))?
            }
        };
        self.0.world.tell(|| format!("disk: {rot:?} of {path}"));
        let path = path.to_owned();
        Some(Damage { path, undo })
    }

    /// Puts back what was there, if nothing has been written there since. False: something has.
    pub fn undo(&self, damage: Damage) -> bool {
        self.0
            .world
            .tell(|| format!("disk: {} is restored", damage.path));
        let there = self.0.names.borrow().file(&damage.path);
        match damage.undo {
            Undo::Page(page, before, after) => {
                there.is_ok_and(|content| content.borrow_mut().restore_page(page, before, &after))
            }
            Undo::File(before, after) => match (there, after) {
                (Ok(content), Some(hash)) if content.borrow().hash() == hash => {
                    content.replace(before);
                    true
                }
                (Err(_), None) => {
                    let node = Node::File(Rc::new(RefCell::new(before)));
                    self.0.names.borrow_mut().appear(&damage.path, node)
                }
                _ => false,
            },
        }
    }
}
