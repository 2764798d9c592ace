use super::*;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use std::io::Write as _;

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Level::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

/// One frame (RFC 8878, 3.1.1): header, one raw block, which is the last, and a tail.
fn zstd(header: &[u8], content: &[u8], tail: &[u8]) -> Vec<u8> {
    let block = (u32::try_from(content.len()).unwrap() << 3 | 1).to_le_bytes();
    [&[0x28, 0xb5, 0x2f, 0xfd], header, &block[..3], content, tail].concat()
}

fn budget(limits: &Limits) -> Budget {
    Budget::of_unknown_input(limits)
}

fn of(bytes: &[u8]) -> Measured {
    measure(bytes, "test", &Limits::default(), &budget(&Limits::default())).unwrap()
}

fn content(bytes: &[u8]) -> Option<(Sha256, u64)> {
    of(bytes).content.ok()
}

#[test]
fn digests_cover_the_stored_and_the_unpacked_bytes() {
    let text = b"some content that is long enough to be compressed ".repeat(100);
    let expected = Some((Sha256::of(&text), text.len() as u64));
    let blob = gzip(&text);
    let measured = of(&blob);
    assert_eq!((measured.digest, measured.size), (Sha256::of(&blob), blob.len() as u64));
    assert_eq!((measured.compression, content(&blob)), (Compression::Gzip, expected));
    assert_eq!((of(&text).compression, content(&text)), (Compression::Plain, expected));
    assert_eq!(content(b""), Some((Sha256::of(b""), 0)));
    let both = [gzip(&text[..100]), gzip(&text[100..])].concat();
    assert_eq!(content(&both), expected);
    // Two frames, each with a window of 1 KiB and no checksum, between two skippable frames.
    let skippable = b"\x5f\x2a\x4d\x18\x03\0\0\0abc";
    let frames = [&skippable[..], &zstd(&[0, 0], b"abc", b""), &zstd(&[0, 0], b"def", b""), skippable].concat();
    assert_eq!(content(&frames), Some((Sha256::of(b"abcdef"), 6)));
}

#[test]
fn damaged_blobs_are_reported_and_still_measured() {
    let blob = gzip(&b"some content ".repeat(100));
    for end in 4..blob.len() {
        let cut = of(&blob[..end]);
        assert!(cut.content.is_err(), "cut at {end}");
        assert_eq!((cut.digest, cut.size), (Sha256::of(&blob[..end]), end as u64));
    }
    for tail in [&b"x"[..], b"\0", b"\x1f\x8b", b"trailing garbage that is long"] {
        let longer = [blob.as_slice(), tail].concat();
        let measured = of(&longer);
        assert!(measured.content.is_err(), "{tail:?}");
        assert_eq!(measured.digest, Sha256::of(&longer));
    }
    for wrong in
        [zstd(&[0, 0], b"abc", b"tail"), zstd(&[4, 0], b"abc", b"\0\0\0\0"), zstd(&[0, 0], b"abc", b"")[..9].to_vec()]
    {
        assert!(content(&wrong).is_none(), "{wrong:?}");
    }
}

#[test]
fn limits_are_enforced() {
    let zeros = gzip(&vec![0; 1 << 20]);
    let over = |limits: Limits| match measure(zeros.as_slice(), "test", &limits, &budget(&limits)) {
        Err(Error::OverLimit { limit, .. }) => limit,
        other => panic!("{other:?}"),
    };
    assert_eq!(over(Limits { layer_expanded_bytes: 1000, ..Limits::default() }), "layer_expanded_bytes");
    assert_eq!(over(Limits { image_layer_bytes: 100, ..Limits::default() }), "image_layer_bytes");
    // A window of 1 GiB is refused before memory is allocated, and the error is not a fault of the blob.
    match measure(zstd(&[0, 20 << 3], b"abc", b"").as_slice(), "test", &Limits::default(), &budget(&Limits::default()))
    {
        Err(Error::OverLimit { limit, .. }) => assert_eq!(limit, "zstd_window_bytes"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_failing_source_is_an_error_not_a_finding() {
    struct Failing;
    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::PermissionDenied.into())
        }
    }
    for start in [&gzip(b"abc")[..12], b"plain"] {
        assert!(matches!(
            measure(start.chain(Failing), "test", &Limits::default(), &budget(&Limits::default())),
            Err(Error::Unreadable { .. })
        ));
    }
}

/// A tar reader requests zero bytes at the end of each member. A read of zero bytes must not end a frame, a gzip member or a stream.
#[test]
#[cfg(unix)]
fn an_empty_read_does_not_end_the_stream() {
    let text = b"some content that is longer than a few bytes ".repeat(200);
    let (one, other) = text.split_at(5000);
    let tool = |program: &str, content: &[u8]| {
        let mut child = std::process::Command::new(program)
            .arg("-c")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{program}: {error}"));
        child.stdin.take().unwrap().write_all(content).unwrap();
        child.wait_with_output().unwrap().stdout
    };
    let blobs = [
        text.clone(),
        gzip(&text),
        [gzip(one), gzip(other)].concat(),
        // The data has a checksum, as the tool `zstd` writes it, and is in one frame or in two frames.
        tool("zstd", &text),
        [tool("zstd", one), tool("zstd", other)].concat(),
        // Without a checksum.
        [zstd(&[0, 0x38], one, b""), zstd(&[0, 0x38], other, b"")].concat(),
        tool("bzip2", &text),
        [tool("bzip2", one), tool("bzip2", other)].concat(),
    ];
    for (at, blob) in blobs.iter().enumerate() {
        assert_eq!(content(blob), Some((Sha256::of(&text), text.len() as u64)), "blob {at}");
        let read = with_content(blob.as_slice(), &Limits::default(), &budget(&Limits::default()), |input| {
            let (mut read, mut buffer) = (Vec::new(), [0; 7]);
            loop {
                assert_eq!(input.read(&mut []).unwrap(), 0);
                match input.read(&mut buffer).unwrap() {
                    0 => return Ok(read),
                    count => read.extend_from_slice(&buffer[..count]),
                }
            }
        });
        assert_eq!(read.unwrap(), text, "blob {at}");
    }
    let xz = of(&tool("xz", &text));
    assert_eq!((xz.compression, xz.content), (Compression::Xz, Err(XZ_UNSUPPORTED.to_owned())));
    // This is a file name, not a compressed stream.
    assert_eq!(of(b"BZh9lives").compression, Compression::Plain);
}
