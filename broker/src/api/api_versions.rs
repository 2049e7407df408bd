//! ApiVersions (KIP-35, KIP-511): what is served, and in which versions.

use protocol::api_key::ApiKey;
use protocol::error_code::ErrorCode;
use protocol::messages::api_versions::{
    ApiVersionsRequest, ApiVersionsResponse, ApiVersionsResponseApi,
};

use super::{Handled, Reply, Request, TABLE, reader};

/// Answers with the whole table.
pub fn handle(request: &Request) -> Handled {
    let asked = ApiVersionsRequest::decode(&mut reader(request), request.version)?;
    let named = request.version < 3
        || (is_name(&asked.client_software_name) && is_name(&asked.client_software_version));
    let mut response = ApiVersionsResponse::default();
    if named {
        response.api_keys = TABLE
            .iter()
            .map(|served| api(served.key, served.min, served.max))
            .collect();
    } else {
        response.error_code = ErrorCode::InvalidRequest.code();
    }
    let mut out = request.response();
    response.encode(&mut out, request.version);
    Ok(Reply::whole(out))
}

/// A version newer than ours is answered in version 0, with the versions we have of this one API (KIP-511).
pub fn too_new(request: &Request) -> Reply {
    let own = TABLE
        .iter()
        .find(|served| served.key == ApiKey::ApiVersions)
        .expect("the table has ApiVersions");
    let response = ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: vec![api(own.key, own.min, own.max)],
        ..ApiVersionsResponse::default()
    };
    let mut out = request.response();
    response.encode(&mut out, 0);
    Reply::whole(out)
}

fn api(key: ApiKey, min_version: i16, max_version: i16) -> ApiVersionsResponseApi {
    ApiVersionsResponseApi {
        api_key: key.code(),
        min_version,
        max_version,
    }
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?`
fn is_name(text: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    ends(bytes.first())
        && ends(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn software_names_follow_the_kip() {
        for good in ["a", "librdkafka", "2.16.1-x", "A1"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "ä", "."] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
