use hyper::{
    Uri,
    http::{Error, uri::PathAndQuery},
};

/// Where a target is at an instance: what was routed and authorised, behind the
/// instance's URL, and not a byte of it changed.
///
/// # Errors
/// When both together are no URI.
pub(crate) fn onward(base: &Uri, target: &PathAndQuery) -> Result<Uri, Error> {
    let mut parts = base.clone().into_parts();
    parts.path_and_query = Some(match base.path().trim_end_matches('/') {
        "" => target.clone(),
        below => PathAndQuery::try_from(format!("{below}{target}"))?,
    });
    Ok(Uri::from_parts(parts)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_stands_behind_the_instance_as_it_came() {
        for (base, target, path) in [
            ("http://prefs:3003", "/a%20b/@x:y?q=%2e%2e/%2f;", "/a%20b/@x:y"),
            ("http://[::1]:3003/base", "/", "/base/"),
        ] {
            let uri = onward(&Uri::from_static(base), &PathAndQuery::from_static(target)).unwrap();
            assert_eq!((uri.path(), uri.to_string()), (path, format!("{base}{target}")));
        }
    }
}
