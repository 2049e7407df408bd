//! HTTP/1.1 as far as an operator's tools need it: the head of one request in, one answer out, then the connection ends.
//! Pure but for the connection it is given. Knows no page.

use std::io::IoSlice;

use bytes::BytesMut;

use crate::io::net::Connection;
use crate::limits;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// GET, HEAD, ...
    pub method: String,
    /// Without the query.
    pub path: String,
    /// What follows the question mark.
    pub query: String,
}

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// 200, 404, ...
    pub status: u16,
    /// Media type of the body.
    pub media_type: &'static str,
    /// The body.
    pub body: String,
}

impl Page {
    /// Plain text.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            media_type: "text/plain; charset=utf-8",
            body: body.into(),
        }
    }
}

/// Why a head is no request, or `None` while more of it must come.
pub fn parse(head: &[u8]) -> Result<Option<Asked>, &'static str> {
    let mut headers = [httparse::EMPTY_HEADER; limits::ADMIN_HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) if head.len() < limits::ADMIN_REQUEST_BYTES_MAX => {
            return Ok(None);
        }
        Ok(httparse::Status::Partial) => return Err("the request's head is too long"),
        Err(_) => return Err("this is no HTTP request"),
    }
    let target = request.path.unwrap_or("/");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Ok(Some(Asked {
        method: request.method.unwrap_or_default().to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
    }))
}

/// The bytes of `page`; a HEAD request gets no body.
pub fn write(page: &Page, with_body: bool) -> Vec<u8> {
    let reason = match page.status {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        _ => "Service Unavailable",
    };
    let mut out = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        page.status,
        page.media_type,
        page.body.len()
    )
    .into_bytes();
    if with_body {
        out.extend_from_slice(page.body.as_bytes());
    }
    out
}

/// Receives one request's head; `None`: the client left.
pub async fn receive(connection: &dyn Connection) -> Option<Result<Asked, &'static str>> {
    let mut head = BytesMut::with_capacity(limits::ADMIN_REQUEST_BYTES_MAX);
    loop {
        match connection.receive_now(&mut head) {
            Ok(Some(0)) | Err(_) => return None,
            Ok(Some(_)) => match parse(&head) {
                Ok(Some(asked)) => return Some(Ok(asked)),
                Ok(None) => {}
                Err(reason) => return Some(Err(reason)),
            },
            Ok(None) => connection.readable().await,
        }
    }
}

/// Sends all of `bytes`, or as much as the client takes.
pub async fn send(connection: &dyn Connection, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let sent = match connection.send_now(&[IoSlice::new(bytes)]) {
            Ok(0) => connection.send_waiting(bytes).await.unwrap_or(0),
            Ok(sent) => sent,
            Err(_) => 0,
        };
        if sent == 0 {
            return;
        }
        bytes = &bytes[sent..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_parsed_when_it_is_whole() {
        let whole = b"GET /metrics?detail=partition HTTP/1.1\r\nHost: a\r\n\r\n";
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), Ok(None), "{cut}");
        }
        let asked = parse(whole).unwrap().unwrap();
        assert_eq!(
            (&*asked.method, &*asked.path, &*asked.query),
            ("GET", "/metrics", "detail=partition")
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        assert!(parse(b"\x00\x00\x00\x17\x00\x12").is_err());
        let long = vec![b'a'; limits::ADMIN_REQUEST_BYTES_MAX];
        assert!(parse(&long).is_err());
        let many = "GET / HTTP/1.1\r\n".to_owned()
            + &"a: b\r\n".repeat(limits::ADMIN_HEADERS_MAX + 1)
            + "\r\n";
        assert!(parse(many.as_bytes()).is_err());
    }

    #[test]
    fn a_head_request_gets_the_length_and_no_body() {
        let page = Page::text(200, "ok\n");
        let with = String::from_utf8(write(&page, true)).unwrap();
        let without = String::from_utf8(write(&page, false)).unwrap();
        assert_eq!(with, without + "ok\n");
        assert!(with.contains("Content-Length: 3\r\n") && with.starts_with("HTTP/1.1 200 OK\r\n"));
    }
}
