//! Reads single objects that have already been proved.

use std::collections::HashMap;
use std::rc::Rc;

use super::directory::GitDirectory;
use super::hash::Kind;
use super::inflate::Inflater;
use super::inflated::Inflated;
use super::loose;
use super::object_id::ObjectId;
use super::objects::{Objects, Place};
use super::pack::Step;
use crate::base::limits::{Bound, Limits};

/// Why an object cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ReadFault {
    #[error("{kind} {id} is missing")]
    Missing { id: ObjectId, kind: Kind },
    #[error("{id} is a {found}, not a {expected}")]
    Kind { id: ObjectId, expected: Kind, found: Kind },
    #[error("{0} cannot be reread")]
    Unreadable(ObjectId),
    #[error("rereading objects exceeds the limit {0}")]
    OverLimit(Bound),
}

/// The size of the cache for delta bases.
const CACHE_BYTES: usize = 64 << 20;

/// The pack's number and the entry's number.
type EntryPlace = (u32, u32);

/// The steps to an object: cached content, and the entries to apply to it, last entry first.
type Chain = (Option<Rc<[u8]>>, Vec<EntryPlace>);

/// Reads objects by id, and caches bases that are likely to be needed again.
pub(super) struct Reader<'a> {
    directory: &'a GitDirectory<'a>,
    objects: &'a Objects,
    limits: &'a Limits,
    inflater: Inflater,
    cache: HashMap<EntryPlace, Rc<[u8]>>,
    cached: usize,
    /// The limit on inflated bytes, which also applies to repeated reads, because a hostile pack can make each read
    /// expensive.
    inflated: &'a Inflated,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        directory: &'a GitDirectory<'a>,
        objects: &'a Objects,
        limits: &'a Limits,
        inflated: &'a Inflated,
    ) -> Self {
        Self { directory, objects, limits, inflater: Inflater::new(), cache: HashMap::new(), cached: 0, inflated }
    }

    pub(super) fn inflated(&self) -> &'a Inflated {
        self.inflated
    }

    pub(super) fn objects(&self) -> &'a Objects {
        self.objects
    }

    /// The content of the object `id`, which must be of the kind `kind`.
    pub(super) fn read(&mut self, id: &ObjectId, kind: Kind) -> Result<Rc<[u8]>, ReadFault> {
        let record = self.objects.find(id).ok_or(ReadFault::Missing { id: *id, kind })?;
        if record.kind != kind {
            return Err(ReadFault::Kind { id: *id, expected: kind, found: record.kind });
        }
        self.read_at(record.place, id)
    }

    fn read_at(&mut self, place: Place, id: &ObjectId) -> Result<Rc<[u8]>, ReadFault> {
        let (mut base, chain) = self.follow(place, id)?;
        for (pack, entry) in chain.into_iter().rev() {
            let made = self.make(pack, entry, base.as_deref()).ok_or(ReadFault::Unreadable(*id))?;
            if !self.inflated.spend(made.len() as u64) {
                return Err(self.over());
            }
            self.keep((pack, entry), &made);
            base = Some(made);
        }
        base.ok_or(ReadFault::Unreadable(*id))
    }

    /// Follows the entries from an object down to an entry that is cached or stored whole. Returns the cached content
    /// first.
    fn follow(&mut self, place: Place, id: &ObjectId) -> Result<Chain, ReadFault> {
        let unreadable = || ReadFault::Unreadable(*id);
        let mut chain = Vec::new();
        let mut place = place;
        loop {
            let (pack, entry) = match place {
                Place::Pack(pack, entry) => (pack, entry),
                Place::Loose(number) => return Ok((Some(self.read_loose(number).ok_or_else(unreadable)?), chain)),
            };
            if let Some(held) = self.cache.get(&(pack, entry)) {
                return Ok((Some(Rc::clone(held)), chain));
            }
            chain.push((pack, entry));
            // The delta chain of a proved object is sound, but a base that is stored several times may be found at a different
            // place here.
            if chain.len() as u64 > self.limits.git_delta_depth.saturating_add(1) {
                return Err(unreadable());
            }
            let file = self.objects.packs.get(usize::try_from(pack).unwrap_or(usize::MAX));
            place = match file.and_then(|file| file.pack.step(entry)).ok_or_else(unreadable)? {
                Step::Whole => return Ok((None, chain)),
                Step::Entry(base) => Place::Pack(pack, base),
                Step::Object(base) => self.objects.find(&base).ok_or_else(unreadable)?.place,
            };
        }
    }

    fn make(&mut self, pack: u32, entry: u32, base: Option<&[u8]>) -> Option<Rc<[u8]>> {
        let file = self.objects.packs.get(usize::try_from(pack).ok()?)?;
        let bytes = self.directory.file(&file.path)?;
        file.pack.read(bytes, entry, base, &mut self.inflater, self.limits, self.inflated).map(Rc::from)
    }

    fn read_loose(&mut self, number: u32) -> Option<Rc<[u8]>> {
        let path = self.objects.loose.get(usize::try_from(number).ok()?)?;
        let file = self.directory.file(path)?;
        if !self.inflated.has_room_for(loose::claimed_size(file, &mut self.inflater)) {
            return None;
        }
        let (_, content) = loose::read(file, &mut self.inflater, self.limits).ok()?;
        self.inflated.spend(content.len() as u64).then(|| Rc::from(content))
    }

    fn keep(&mut self, place: EntryPlace, content: &Rc<[u8]>) {
        if content.len() > CACHE_BYTES / 4 {
            return;
        }
        if self.cached.saturating_add(content.len()) > CACHE_BYTES {
            self.cache.clear();
            self.cached = 0;
        }
        self.cached += content.len();
        self.cache.insert(place, Rc::clone(content));
    }

    fn over(&self) -> ReadFault {
        ReadFault::OverLimit(self.inflated.bound())
    }
}
