use std::fmt::Write;

use problem::Kind;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Problems</title>\n<style>\
    body{font:16px/1.5 system-ui,sans-serif;max-width:45rem;margin:2rem auto;padding:0 1rem}\
    h2{margin:2rem 0 0}h2 small{font-weight:normal;color:#666}:target{background:#ffd}</style>\n</head>\n<body>\n\
    <h1>Problems</h1>\n<p>Every error is an <code>application/problem+json</code> (RFC 9457). Its <code>type</code> \
    leads here, its <code>code</code> says exactly what is wrong, its <code>request_id</code> names the request \
    in our logs.</p>\n";

/// The page that every problem's `type` leads to.
pub(super) fn page() -> String {
    let mut page = HEAD.to_owned();
    for kind in Kind::ALL {
        let (slug, title, status, advice) = (kind.slug(), kind.title(), kind.status(), markup(kind.advice()));
        // Writing to a string does not fail.
        let _ = writeln!(page, "<h2 id=\"{slug}\">{title} <small>{status}</small></h2>\n<p>{advice}</p>");
    }
    page + "</body>\n</html>\n"
}

/// `code` in backticks as HTML; our own words need no other escaping.
fn markup(text: &str) -> String {
    let mut parts = text.split('`');
    let mut html = parts.next().unwrap_or_default().to_owned();
    while let (Some(code), Some(rest)) = (parts.next(), parts.next()) {
        html = html + "<code>" + code + "</code>" + rest;
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_leads_to_its_place() {
        let page = page();
        for kind in Kind::ALL {
            let uri = kind.uri();
            let anchor = uri.strip_prefix("/docs/problems#").unwrap();
            assert!(page.contains(&format!("<h2 id=\"{anchor}\">")), "{anchor}");
        }
        assert!(page.contains("<code>Retry-After</code>") && !page.contains('`'));
    }
}
