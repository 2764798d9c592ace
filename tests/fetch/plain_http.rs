//! A plain HTTP server in this process, for responses that real servers do not send on demand, and a client that fills object stores.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: Vec<(String, String)>,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub struct PlainServer {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl PlainServer {
    /// Each response is a status, headers and a body; each connection gets one response. `X-Ending` sets how the response ends, and `X-Times` how
    /// often the body is repeated.
    pub fn start(answer: impl Fn(&Asked) -> (u16, Vec<(String, String)>, Vec<u8>) + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").unwrap(), answer)
    }

    /// Starts the server on a listener whose port is already known.
    pub fn on(
        listener: TcpListener,
        answer: impl Fn(&Asked) -> (u16, Vec<(String, String)>, Vec<u8>) + Send + Sync + 'static,
    ) -> Self {
        let port = listener.local_addr().unwrap().port();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let log = Arc::clone(&asked);
        let answer = Arc::new(answer);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream);
                    let Some(question) = read_question(&mut reader) else { return };
                    log.lock().unwrap().push(question.clone());
                    let (status, headers, body) = answer(&question);
                    let times = headers.iter().find(|(name, _)| name == "X-Times");
                    let times = times.map_or(1, |(_, times)| times.parse().unwrap());
                    // How the response ends if it is faulty.
                    let ending = headers.iter().find(|(name, _)| name == "X-Ending").map(|(_, how)| how.clone());
                    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
                    let head = format!(
                        "HTTP/1.1 {status} x\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len() * times
                    );
                    let stream = reader.get_mut();
                    let longer = head.replace("Content-Length: ", "Content-Length: 99999");
                    let _ = match ending.as_deref() {
                        None if times == 1 => stream.write_all(&[head.as_bytes(), &body].concat()),
                        None => {
                            let _ = stream.write_all(head.as_bytes());
                            (0..times).try_for_each(|_| stream.write_all(&body))
                        }
                        Some(_) => {
                            stream.write_all(&[longer.as_bytes(), body.get(..body.len() / 2).unwrap_or(b"")].concat())
                        }
                    };
                    match ending.as_deref() {
                        Some("silence") => drop(stream.read(&mut [0])),
                        Some("endless") => while stream.write_all(&[b' '; 65_536]).is_ok() {},
                        _ => {}
                    }
                });
            }
        });
        Self { port, asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read_question(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split_whitespace().nth(1)?.to_owned();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok().filter(|&read| read > 0)?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    Some(Asked { path, headers })
}

/// Sends one request and returns the whole response. The status must indicate success.
pub fn send(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.starts_with("HTTP/1.1 2"), "{method} {path}: {answer}");
    answer
}
