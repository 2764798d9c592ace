//! Reads an image from a registry without saving it: documents are held in memory, and layers are measured as they
//! arrive.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope, ScopedJoinHandle};

use crate::base::budget::Budget;
use crate::base::digest::Sha256;
use crate::base::error::Error;
use crate::base::limits::Bound;
use crate::client::access::NamedBy;
use crate::client::answers::Asked;
use crate::client::fault::network;
use crate::client::http::Sink;
use crate::client::outside::{Outside, OutsideOptions};
use crate::client::reference::ImageReference;
use crate::client::registry::Registry;
use crate::client::run::{Listening, Run};
use crate::client::spending::Spending;
use crate::image::tree::{self, Tree};
use crate::image::{self, Choice, ImageFacts, Measured, RegistryTag, Remote};

/// The number of pieces of a layer that are queued between two threads, so that neither thread often waits for the
/// other.
const PIECES: usize = 16;

/// Reads the image that `name` (`registry/repository[:tag][@digest]`) refers to. If the name has neither a tag nor a digest, the tag is `latest`, as
/// in skopeo.
///
/// Every manifest or index that is requested by digest must have that digest; otherwise, this returns an error. The
/// contents of the configuration and the layers are reported in the facts and evaluated elsewhere.
///
/// # Errors
/// [`Error::Usage`] for an invalid name, [`Error::Network`], [`Error::OverLimit`].
pub fn read_image(
    name: &str,
    options: &OutsideOptions,
    run: Run<'_>,
    choice: &Choice,
    budget: &Budget,
) -> Result<ImageFacts, Error> {
    let reference = reference_of(name)?;
    let outside = Outside::new(run, options, &Spending::within(run.limits));
    let registry = Registry::open(&outside, &reference, NamedBy::User)?;
    let tag = reference.tag.clone().unwrap_or_else(|| "latest".into());
    let asked = reference.digest.map_or(tag.clone(), |digest| digest.to_string());
    let top = registry.manifest(Asked::Image, &asked)?.map_err(|absence| {
        network(
            &reference.to_string(),
            absence.and(&format!("for {asked}")).why,
            "check the name, the tag and the login",
        )
    })?;
    let tag = reference.digest.is_none().then(|| RegistryTag { repository: reference.name(), tag, digest: top.digest });
    let remote = Remote {
        document: &|name, bound| document(&registry, name, bound),
        layer: &|digest, size| {
            let what = format!("the blob {digest}");
            layer(&registry, (digest, size), run, &|pieces| {
                image::measure(budget.reading_input(pieces, &what), &what, run.limits, budget)
            })
        },
    };
    image::read_remote(
        &format!("docker://{name}"),
        tag,
        (top.bytes, &top.media_type),
        remote,
        choice,
        run.limits,
        budget,
    )
}

/// Reads the files of a layer that [`read_image`] has measured. The layer's blob is requested again and must be the
/// same. `None` if the registry no longer has the blob.
///
/// # Errors
/// The errors of [`read_image`], and [`Error::Malformed`] for a layer that cannot be unpacked or listed.
pub fn read_layer(
    name: &str,
    measured: &Measured,
    options: &OutsideOptions,
    run: Run<'_>,
) -> Result<Option<Tree>, Error> {
    let outside = Outside::new(run, options, &Spending::within(run.limits));
    let registry = Registry::open(&outside, &reference_of(name)?, NamedBy::User)?;
    layer(&registry, (measured.digest, measured.size), run, &|pieces| tree::of_blob(pieces, measured, run.limits))
}

fn reference_of(name: &str) -> Result<ImageReference, Error> {
    ImageReference::parse(name).ok_or_else(|| Error::Usage {
        message: format!("{name:?} is not an image name"),
        hint: "expected NAME:TAG or NAME@sha256:DIGEST, for example docker://us.icr.io/acme/wallet:v1".into(),
    })
}

/// Reads `manifests/DIGEST` or `blobs/DIGEST`.
fn document(registry: &Registry<'_>, name: &str, bound: Bound) -> Result<Option<Vec<u8>>, Error> {
    if let Some(digest) = name.strip_prefix("manifests/") {
        return Ok(registry.manifest(Asked::Platform, digest)?.ok().map(|document| document.bytes));
    }
    let Some(digest) = name.strip_prefix("blobs/").and_then(Sha256::from_prefixed) else { return Ok(None) };
    let mut held = Held(Vec::new());
    Ok(registry.blob_into(digest, bound, &mut held)?.ok().map(|_| held.0))
}

/// Passes the blob of this digest and size to `read` as it arrives; `None` if the registry does not have the blob.
fn layer<T: Send>(
    registry: &Registry<'_>,
    (digest, size): (Sha256, u64),
    run: Run<'_>,
    read: &(dyn Fn(Pieces) -> Result<T, Error> + Sync),
) -> Result<Option<T>, Error> {
    // Allow one byte more than expected: receiving it is enough to detect a different blob.
    let bound = run.limits.image_layer_bytes();
    let bound = Bound { allowed: bound.allowed.min(size.saturating_add(1)), ..bound };
    let what = format!("the blob {digest}");
    thread::scope(|scope| {
        let mut handing = Handing { scope, read, worker: None, held: 0 };
        let mut listening = Listening::new(run, what.clone(), Some(size), &mut handing);
        let found = registry.blob_into(digest, bound, &mut listening).map_err(|error| match error {
            Error::OverLimit { .. } if bound.allowed > size => network(
                &what,
                "the blob is longer than the image's manifest states",
                "run the command again; if the error persists, the registry or a proxy in front of it is broken",
            ),
            other => other,
        })?;
        match found {
            Ok(_) => handing.finish(&what).map(Some),
            Err(_) => Ok(None),
        }
    })
}

struct Held(Vec<u8>);

impl Sink for Held {
    fn held(&self) -> u64 {
        self.0.len() as u64
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        self.0.clear();
        Ok(())
    }
}

type Worker<'scope, T> = (SyncSender<Vec<u8>>, ScopedJoinHandle<'scope, Result<T, Error>>);

/// Passes incoming bytes to a thread that reads them. If the server sends the response from the beginning again, a new
/// thread reads it.
struct Handing<'scope, 'env, T> {
    scope: &'scope Scope<'scope, 'env>,
    read: &'env (dyn Fn(Pieces) -> Result<T, Error> + Sync),
    worker: Option<Worker<'scope, T>>,
    held: u64,
}

impl<T: Send> Sink for Handing<'_, '_, T> {
    fn held(&self) -> u64 {
        self.held
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.worker.is_none() {
            self.start_again()?;
        }
        self.held = self.held.saturating_add(bytes.len() as u64);
        let Some((sender, _)) = &self.worker else { return Ok(()) };
        // If the worker has stopped, `finish` returns its error.
        let _ = sender.send(bytes.to_vec());
        Ok(())
    }

    fn start_again(&mut self) -> Result<(), Error> {
        let (sender, receiver) = sync_channel(PIECES);
        let read = self.read;
        let handle = self.scope.spawn(move || read(Pieces { receiver, piece: io::Cursor::default() }));
        self.worker = Some((sender, handle));
        self.held = 0;
        Ok(())
    }
}

impl<T: Send> Handing<'_, '_, T> {
    fn finish(mut self, what: &str) -> Result<T, Error> {
        if self.worker.is_none() {
            self.start_again()?;
        }
        let stopped = || network(what, "a thread of this run failed", "run the command again");
        let Some((sender, handle)) = self.worker.take() else { return Err(stopped()) };
        drop(sender);
        handle.join().map_err(|_| stopped())?
    }
}

/// Reads the pieces. The stream ends when the sender is dropped.
struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: io::Cursor<Vec<u8>>,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.piece.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            match self.receiver.recv() {
                Ok(piece) => self.piece = io::Cursor::new(piece),
                Err(_) => return Ok(0),
            }
        }
    }
}
