use std::fmt::Write;

use contract_auth::Mail;

const HEAD: &str = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
    <meta name=\"viewport\" content=\"width=device-width\">\n<title>Mailbox</title>\n<style>\
    body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}\
    article{border-top:1px solid #ccc;padding:.5rem 0}h2{margin:0;font-size:1.1rem}\
    p{margin:.2rem 0;overflow-wrap:anywhere}small{color:#666}</style>\n</head>\n<body>\n<h1>Mailbox</h1>\n\
    <p>What would be sent, the newest first. No mail leaves this machine. Reload to see new ones; \
    <code>/?to=ada@example.com</code> shows one person's, <code>/api/mails</code> the same as JSON.</p>\n";

/// The mails as a page that stands alone.
pub(super) fn page(mails: &[Mail]) -> String {
    let mut page = HEAD.to_owned();
    if mails.is_empty() {
        page.push_str("<p>There are none.</p>\n");
    }
    for mail in mails {
        push(&mut page, mail);
    }
    page + "</body>\n</html>\n"
}

/// Writing to a string does not fail.
fn push(page: &mut String, mail: &Mail) {
    let subject = mail.kind.name().replace('_', " ");
    let _ = write!(page, "<article>\n<h2>{subject}</h2>\n<p>to {} ", escaped(&mail.to));
    let _ = writeln!(page, "<small>{} {}</small></p>", mail.created_at, mail.id);
    if let Some(link) = &mail.link {
        let link = escaped(link.expose());
        // Anything else would run where it is clicked.
        let leads = link.starts_with("http://") || link.starts_with("https://");
        let _ = match leads {
            true => writeln!(page, "<p><a href=\"{link}\">{link}</a></p>"),
            false => writeln!(page, "<p>{link}</p>"),
        };
    }
    if let Some(token) = &mail.token {
        let until = mail.expires_at.map(|at| format!(" <small>until {at}</small>")).unwrap_or_default();
        let _ = writeln!(page, "<p>token <code>{}</code>{until}</p>", escaped(token.expose()));
    }
    for (name, value) in mail.variables.iter().filter(|(_, value)| !value.is_null()) {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = writeln!(page, "<p><small>{}</small> {}</p>", escaped(name), escaped(&value));
    }
    page.push_str("</article>\n");
}

/// Text that is text wherever it stands in HTML.
fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use contract_auth::{MailKind, Secret};
    use serde_json::json;

    use super::*;
    use crate::mailbox::held::tests::mail;

    #[test]
    fn whatever_people_typed_is_shown_as_text() {
        let mut mail = mail("\"<b>\"@example.com", MailKind::MagicLink);
        mail.link = Some(Secret::from("https://app.example.com/magic-link?token=plt_x&y=\"'"));
        mail.variables.insert("name".to_owned(), json!("<script>alert(1)</script>"));
        let page = page(&[mail]);
        assert!(!page.contains("<script") && !page.contains("<b>"), "{page}");
        assert!(
            page.contains("href=\"https://app.example.com/magic-link?token=plt_x&amp;y=&quot;&#39;\""),
            "{page}"
        );
    }

    #[test]
    fn a_link_that_is_none_cannot_be_clicked() {
        let mut mail = mail("ada@example.com", MailKind::MagicLink);
        mail.link = Some(Secret::from("javascript:alert(1)"));
        assert!(!page(&[mail]).contains("href"));
    }
}
