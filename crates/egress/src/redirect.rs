use reqwest::{
    Method, StatusCode,
    header::{ACCEPT, ACCEPT_LANGUAGE, HeaderMap, LOCATION, RANGE},
};
use url::Url;

use crate::{Call, EgressError, Refusal};

/// What another host than the one that was called may be told, of what that was told.
const TOLD_ELSEWHERE: [reqwest::header::HeaderName; 3] = [ACCEPT, ACCEPT_LANGUAGE, RANGE];

/// The call that an answer leads on to (RFC 9110 section 15.4), if it is to be followed. What
/// is sent with a body is not sent to anybody else than was meant.
pub(crate) fn next(
    call: &Call,
    status: StatusCode,
    headers: &HeaderMap,
    followed: u8,
) -> Result<Option<Call>, EgressError> {
    let is_safe = matches!(call.method, Method::GET | Method::HEAD);
    let leads_on = matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308);
    let Some(location) = headers.get(LOCATION).filter(|_| is_safe && leads_on && call.redirects > 0) else {
        return Ok(None);
    };
    if followed >= call.redirects {
        return Err(EgressError::TooManyRedirects(call.redirects));
    }
    let location = location.to_str().map_err(|_why| Refusal::NoUrl)?;
    let url = call.url.join(location).map_err(|_why| Refusal::NoUrl)?;
    if call.url.scheme() == "https" && url.scheme() != "https" {
        return Err(Refusal::Scheme("https").into());
    }
    let mut next = Call { url, ..call.clone() };
    if !is_same_origin(&call.url, &next.url) {
        next.headers = TOLD_ELSEWHERE
            .into_iter()
            .filter_map(|name| Some((call.headers.get(&name)?.clone(), name)))
            .map(|(value, name)| (name, value))
            .collect();
    }
    Ok(Some(next))
}

fn is_same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{AUTHORIZATION, HeaderValue};

    fn to(location: &str) -> HeaderMap {
        [(LOCATION, location.parse().unwrap())].into_iter().collect()
    }

    fn get() -> Call {
        Call::new(Method::GET, "https://a.example/x/y".parse().unwrap())
            .header(AUTHORIZATION, HeaderValue::from_static("Bearer secret"))
            .header(ACCEPT, HeaderValue::from_static("*/*"))
            .following(2)
    }

    #[test]
    fn a_get_goes_on_and_tells_others_nothing() {
        let next = |location| next(&get(), StatusCode::FOUND, &to(location), 0).unwrap().unwrap();
        let near = next("../z");
        assert_eq!((near.url.as_str(), near.headers.len()), ("https://a.example/z", 2));
        for far in ["https://b.example/", "//b.example/", "https://a.example:8443/"] {
            let far = next(far);
            assert_eq!(far.headers.keys().collect::<Vec<_>>(), [ACCEPT], "{}", far.url);
        }
    }

    #[test]
    fn nothing_else_is_followed() {
        let post = Call { method: Method::POST, ..get() };
        assert!(next(&post, StatusCode::TEMPORARY_REDIRECT, &to("/z"), 0).unwrap().is_none());
        assert!(next(&get().following(0), StatusCode::FOUND, &to("/z"), 0).unwrap().is_none());
        assert!(next(&get(), StatusCode::NOT_MODIFIED, &to("/z"), 0).unwrap().is_none());
        assert!(next(&get(), StatusCode::FOUND, &HeaderMap::new(), 0).unwrap().is_none());
        assert!(matches!(
            next(&get(), StatusCode::FOUND, &to("/z"), 2),
            Err(EgressError::TooManyRedirects(2))
        ));
        assert!(matches!(
            next(&get(), StatusCode::FOUND, &to("http://a.example/"), 0),
            Err(EgressError::Refused(Refusal::Scheme("https")))
        ));
    }
}
