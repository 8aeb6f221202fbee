/// What a `User-Agent` seems to be, for its owner's eyes: `Firefox on Linux`. What is no
/// browser is called by the product that it names first, such as `curl`.
///
/// A few rules instead of a database of agents: the names that people know their own
/// devices by hardly change, and nothing is decided by them.
pub(super) fn client_name(user_agent: &str) -> Option<String> {
    let has = |(mark, _): &&(&str, &str)| user_agent.contains(mark);
    let browser = BROWSERS.iter().find(has).map(|(_, name)| *name);
    let system = SYSTEMS.iter().find(has).map(|(_, name)| *name);
    match (browser, system) {
        (Some(browser), Some(system)) => Some(format!("{browser} on {system}")),
        (Some(browser), None) => Some(browser.to_owned()),
        (None, _) => product(user_agent),
    }
}

/// The marks of browsers; those that also bear another's mark come first.
const BROWSERS: [(&str, &str); 13] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("Electron/", "A desktop application"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];

/// The marks of systems; those that also bear another's mark come first.
const SYSTEMS: [(&str, &str); 7] = [
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// The first product token (RFC 9110 section 10.1.5) without its version, if it is short
/// and plain.
fn product(user_agent: &str) -> Option<String> {
    let name = user_agent.split(['/', ' ']).next().unwrap_or_default();
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    ((1..=40).contains(&name.len()) && name.bytes().all(plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_know_their_own_devices() {
        let on_windows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (user_agent, name) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "Firefox on Linux"),
            (&format!("{on_windows} Chrome/142.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (&format!("{on_windows} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0"), "Edge on Windows"),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15",
                "Safari on macOS",
            ),
            ("curl/8.14.1", "curl"),
            ("okhttp/5.1.0", "okhttp"),
            ("Mozilla/5.0", "Mozilla"),
        ] {
            assert_eq!(client_name(user_agent).as_deref(), Some(name), "{user_agent}");
        }
        for none in ["", " ", "<script>alert(1)</script>", &"x".repeat(41)] {
            assert_eq!(client_name(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_sent_the_name_is_short_and_plain(user_agent in "\\PC{0,80}") {
            let name = client_name(&user_agent).unwrap_or_default();
            prop_assert!(name.len() <= 40 && name.is_ascii(), "{}", name);
        }
    }
}
