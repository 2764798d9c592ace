//! A bucket's listing: the response to ListObjectsV2 (Amazon S3 API reference), read strictly.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::base::error::Error;

const WHAT: &str = "the bucket's listing";

/// An object in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: u64,
    pub(crate) etag: String,
}

/// One page of a listing.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) objects: Vec<Object>,
    /// Where the next page begins; `None` for the last page.
    pub(crate) next: Option<String>,
}

/// Reads one page. The request must use `encoding-type=url`, so that any key can be represented in XML.
pub(crate) fn read_page(xml: &[u8]) -> Result<Page, Error> {
    let fail = |message: &str| Error::malformed(WHAT, message);
    let mut reader = Reader::from_reader(xml);
    let mut path: Vec<Vec<u8>> = Vec::new();
    let mut text = String::new();
    let mut object = (None, None, None);
    let (mut objects, mut truncated, mut token, mut ended) = (Vec::new(), false, None, false);
    let mut buffer = Vec::new();
    loop {
        match reader.read_event_into(&mut buffer).map_err(|_| fail("it is not well-formed XML"))? {
            Event::Start(element) if path.len() < 8 && !ended => {
                path.push(element.local_name().as_ref().to_vec());
                text.clear();
            }
            Event::Start(_) => return Err(fail("it is not an S3 bucket listing (ListBucketResult)")),
            Event::Text(part) => text.push_str(&part.decode().map_err(|_| fail("it is not UTF-8"))?),
            Event::GeneralRef(reference) => text.push(entity(&reference).ok_or_else(|| fail("an unknown entity"))?),
            Event::End(_) => {
                let names: Vec<&[u8]> = path.iter().map(Vec::as_slice).collect();
                match names.as_slice() {
                    [b"ListBucketResult", b"Contents", b"Key"] => object.0 = Some(url_decoded(&text)?),
                    [b"ListBucketResult", b"Contents", b"Size"] => object.1 = text.parse().ok(),
                    [b"ListBucketResult", b"Contents", b"ETag"] => object.2 = Some(text.clone()),
                    [b"ListBucketResult", b"Contents"] => match std::mem::take(&mut object) {
                        (Some(key), Some(size), Some(etag)) => objects.push(Object { key, size, etag }),
                        _ => return Err(fail("an object lacks its key, size or ETag")),
                    },
                    [b"ListBucketResult", b"IsTruncated"] => {
                        let value: bool =
                            text.trim().parse().map_err(|_| fail("IsTruncated is neither true nor false"))?;
                        truncated |= value;
                    }
                    [b"ListBucketResult", b"NextContinuationToken"] => token = Some(text.clone()),
                    [b"ListBucketResult"] => ended = true,
                    _ => {}
                }
                path.pop();
                text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
        buffer.clear();
    }
    match (ended, truncated, token) {
        (false, ..) => Err(fail("expected ListBucketResult and its end tag")),
        (true, true, None) => Err(fail("it is truncated, but has no NextContinuationToken")),
        (true, true, next) => Ok(Page { objects, next }),
        (true, false, _) => Ok(Page { objects, next: None }),
    }
}

fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Option<char> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character);
    }
    let name: &[u8] = reference;
    match std::str::from_utf8(name).ok()? {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => None,
    }
}

/// Decodes `%XX`, and also `+`, which some stores write for a space.
fn url_decoded(text: &str) -> Result<String, Error> {
    let bad = || Error::malformed(WHAT, "a key is not URL-encoded UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'%' => {
                let (digits, tail) = rest.split_at_checked(2).ok_or_else(bad)?;
                bytes.extend(crate::base::digest::decode_hex(digits).ok_or_else(bad)?);
                rest = tail;
            }
            b'+' => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name><Prefix>x</Prefix><KeyCount>2</KeyCount>
<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b&#x3D;</NextContinuationToken>
<Contents><Key>p/manifest.x.sig.tbz</Key><LastModified>2026</LastModified><ETag>&quot;abc&quot;</ETag><Size>12</Size></Contents>
<Contents><Key>p/a%20b%2Bc+d</Key><ETag>"d"</ETag><Size>0</Size><Owner><ID>1</ID></Owner></Contents></ListBucketResult>"#;

    #[test]
    fn a_page_of_the_bucket_listing_is_parsed() {
        let page = read_page(PAGE.as_bytes()).unwrap();
        assert_eq!(page.next.as_deref(), Some("a&b="));
        assert_eq!(page.objects[0], Object { key: "p/manifest.x.sig.tbz".into(), size: 12, etag: "\"abc\"".into() });
        assert_eq!(page.objects[1].key, "p/a b+c d");
    }

    #[test]
    fn a_truncated_listing_is_refused() {
        for end in 0..PAGE.len() {
            assert!(read_page(&PAGE.as_bytes()[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn responses_that_are_not_bucket_listings_are_refused() {
        let with = |inner: &str| format!("<ListBucketResult>{inner}</ListBucketResult>");
        for bad in [
            "<Error><Code>AccessDenied</Code></Error>".to_owned(),
            "{}".into(),
            with("<IsTruncated>true</IsTruncated>"),
            with("<IsTruncated>True</IsTruncated><NextContinuationToken>a</NextContinuationToken>"),
            with("<Contents><Key>x</Key></Contents>"),
            with("<Contents><Key>%zz</Key><ETag>1</ETag><Size>1</Size></Contents>"),
            with("<Contents><Key>x</Key><ETag>1</ETag><Size>-1</Size></Contents>"),
            with("<Contents><Key>&evil;</Key><ETag>1</ETag><Size>1</Size></Contents>"),
            with(&"<a>".repeat(10_000)),
        ] {
            assert!(read_page(bad.as_bytes()).is_err(), "{bad:.80}");
        }
    }
}
