use std::sync::LazyLock;

use aws_lc_rs::digest;
use data_encoding::BASE64;

/// The page: it shows nothing without a token, and sends that to its own origin alone.
pub(super) const HTML: &str = include_str!("page.html");

/// What the page may do (CSP level 3): its own script and style, and calls of its own origin. Anybody may
/// show it in a frame: it knows its visitor by what is in its URL, and not by a cookie.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let (script, style) = (hash("script"), hash("style"));
    format!(
        "default-src 'none'; script-src {script}; style-src {style}; connect-src 'self'; \
         base-uri 'none'; form-action 'none'"
    )
});

/// What is between the only tags of this name.
fn hash(tag: &str) -> String {
    let inside =
        HTML.split_once(&format!("<{tag}>")).and_then(|(_, rest)| rest.split_once(&format!("</{tag}>")));
    let inside = inside.map_or("", |(inside, _)| inside);
    let sum = digest::digest(&digest::SHA256, inside.as_bytes());
    format!("'sha256-{}'", BASE64.encode(sum.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_one_script_and_one_style_and_calls_nobody_else() {
        for tag in ["<script", "</script>", "<style", "</style>"] {
            assert_eq!(HTML.matches(tag).count(), 1, "{tag}");
        }
        let empty = "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert!(!POLICY.contains(empty), "{}", *POLICY);
        for harmful in
            ["http://", "https://", "innerHTML", "document.write", "eval(", "localStorage", "onclick="]
        {
            assert!(!HTML.contains(harmful), "{harmful}");
        }
    }
}
