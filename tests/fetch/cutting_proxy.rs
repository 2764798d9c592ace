//! A proxy between client and server that cuts connections after a number of bytes from the server.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

pub struct CuttingProxy {
    pub port: u16,
    state: Arc<State>,
}

struct State {
    upstream: u16,
    /// Bytes after which a connection is cut.
    cut_at: AtomicU64,
    /// Connections still to be cut.
    cuts_left: AtomicU64,
    /// Bytes from the server, over all connections.
    passed: AtomicU64,
}

impl CuttingProxy {
    pub fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            upstream,
            cut_at: AtomicU64::new(u64::MAX),
            cuts_left: AtomicU64::new(0),
            passed: AtomicU64::new(0),
        });
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || pass(&client, &state));
            }
        });
        Self { port, state }
    }

    /// Cuts each of the next `connections` connections after `bytes` bytes from the server.
    pub fn cut(&self, connections: u64, bytes: u64) {
        self.state.cut_at.store(bytes, Ordering::SeqCst);
        self.state.cuts_left.store(connections, Ordering::SeqCst);
    }

    /// Bytes that came from the server since the last call.
    pub fn take_passed(&self) -> u64 {
        self.state.passed.swap(0, Ordering::SeqCst)
    }
}

fn pass(client: &TcpStream, state: &State) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", state.upstream)) else { return };
    let _ = client.set_nodelay(true).and_then(|()| server.set_nodelay(true));
    let one_less = |left: u64| left.checked_sub(1);
    let is_cut = state.cuts_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok();
    let mut left = if is_cut { state.cut_at.load(Ordering::SeqCst) } else { u64::MAX };
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upward = thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let (mut from_server, mut to_client) = (&server, client);
    let mut buffer = [0; 4096];
    while left > 0 {
        let Ok(read) = from_server.read(&mut buffer) else { break };
        let take = read.min(usize::try_from(left).unwrap_or(usize::MAX));
        if read == 0 || to_client.write_all(&buffer[..take]).is_err() {
            break;
        }
        state.passed.fetch_add(take as u64, Ordering::SeqCst);
        left -= take as u64;
    }
    let _ = client.shutdown(Shutdown::Both);
    let _ = server.shutdown(Shutdown::Both);
    let _ = upward.join();
}
