use super::*;

fn reader(variables: &[(&str, &str)]) -> Reader {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Reader::new(Service::Auth, None, variables)
}

#[test]
fn every_fault_is_named_at_once() {
    let mut read = reader(&[
        ("AUTH__DATABASE__POOL_SIZE", "many"),
        ("AUTH__SEALING__KEY", "x"),
        ("PREFS__ANYTHING", "is not ours"),
    ]);
    let url: Option<String> = read.required("database.url");
    let _: u32 = read.or("database.pool_size", 10);
    let _ = read.secret("sealing.keys", 8);
    let told = read.finish(url).unwrap_err().to_string();
    for wanted in [
        "auth: 4 settings are wrong:",
        "AUTH__DATABASE__URL: is missing",
        "AUTH__DATABASE__POOL_SIZE: invalid digit",
        "AUTH__SEALING__KEYS: is missing",
        "AUTH__SEALING__KEY: there is no such setting; is it AUTH__SEALING__KEYS?",
    ] {
        assert!(told.contains(wanted), "{wanted}\nin\n{told}");
    }
    assert!(!told.contains("PREFS"), "{told}");
}

#[test]
fn a_short_secret_is_refused_without_being_shown() {
    let mut read = reader(&[("AUTH__CLIENT__SECRET", "hunter2")]);
    let secret = read.secret("client.secret", 32);
    let told = read.finish(secret).unwrap_err().to_string();
    assert!(told.contains("AUTH__CLIENT__SECRET: at least 32 characters"), "{told}");
    assert!(!told.contains("hunter2"));
}

#[test]
fn what_is_out_of_its_range_is_told_and_never_moved_into_it() {
    let mut read = reader(&[("AUTH__DATABASE__POOL_SIZE", "0"), ("AUTH__HTTP__WORKERS", "4")]);
    let _: usize = read.within("database.pool_size", 10, 1..=1000);
    let workers: usize = read.within("http.workers", 1, 1..=1024);
    let told = read.finish(Some(workers)).unwrap_err().to_string();
    assert!(told.contains("AUTH__DATABASE__POOL_SIZE: from 1 to 1000 is wanted"), "{told}");
    assert!(!told.contains("WORKERS"), "{told}");
}

#[test]
fn the_environment_wins_over_the_file() {
    let path = std::env::temp_dir().join(format!("plinth-settings-{}.toml", std::process::id()));
    std::fs::write(&path, "[auth.database]\nurl = \"file\"\npool_size = 7\n[prefs]\nx = 1\n").unwrap();
    let variables = [("AUTH__DATABASE__URL".to_owned(), "environment".to_owned())];
    let mut read = Reader::new(Service::Auth, Some(&path), variables);
    let url: Option<String> = read.required("database.url");
    let size: u32 = read.or("database.pool_size", 10);
    std::fs::remove_file(&path).unwrap();
    assert_eq!((read.finish(url).unwrap().as_str(), size), ("environment", 7));
}

#[test]
fn the_file_may_hold_what_all_services_share() {
    let path = std::env::temp_dir().join(format!("plinth-shared-{}.toml", std::process::id()));
    let text = "[shared]\nauth_service_url = [\"http://a:1?weight=9\", \"http://b:2\"]\n\
                PLINTH_PUBLIC_URL = \"https://file.example.com\"\nplinth_env = \"development\"\n\
                ahut_service_url = \"http://a:1\"\n";
    std::fs::write(&path, text).unwrap();
    let variables = [("PLINTH_PUBLIC_URL".to_owned(), "https://environment.example.com".to_owned())];
    let mut read = Reader::new(Service::Auth, Some(&path), variables);
    std::fs::remove_file(&path).unwrap();
    let registry = read.registry().unwrap();
    let weighted: Vec<_> =
        registry.instances(Service::Auth).map(|(url, terms)| (url.as_str(), terms.weight)).collect();
    assert_eq!(weighted, [("http://a:1/", 9), ("http://b:2/", 1)]);
    assert_eq!(registry.public_origin(), "https://environment.example.com", "the environment wins");
    assert_eq!(read.shared(ENVIRONMENT), Some(Environment::Development));
    let told = read.finish(Some(())).unwrap_err().to_string();
    assert!(told.contains("1 setting is wrong") && told.contains("shared.ahut_service_url"), "{told}");
}

#[test]
fn a_broken_file_is_named_without_what_stands_in_it() {
    let path = std::env::temp_dir().join(format!("plinth-broken-{}.toml", std::process::id()));
    for (text, why) in [
        ("[auth.database]\nurl = \"postgres://auth:hunter2@h/x\n", "line 2"),
        ("auth = \"hunter2\"\n", "`auth` is no section"),
    ] {
        std::fs::write(&path, text).unwrap();
        let read = Reader::new(Service::Auth, Some(&path), []);
        std::fs::remove_file(&path).unwrap();
        let told = read.finish(Some(())).unwrap_err().to_string();
        assert!(told.contains(why) && !told.contains("hunter2"), "{told}");
    }
}

#[test]
fn a_secret_may_stand_in_a_file() {
    let path = std::env::temp_dir().join(format!("plinth-secret-{}", std::process::id()));
    std::fs::write(&path, "postgres://auth:of-the-file@h/auth\n").unwrap();
    let file = path.to_str().unwrap();
    let mut read = reader(&[("AUTH__DATABASE__URL_FILE", file), ("AUTH__HTTP__TLS__KEY_FILE", file)]);
    let url: Option<String> = read.required("database.url");
    let key: Option<String> = read.optional("http.tls.key_file");
    let both = read.finish(url.zip(key)).unwrap();
    assert_eq!(both, ("postgres://auth:of-the-file@h/auth".to_owned(), file.to_owned()));

    let mut read = reader(&[("AUTH__DATABASE__URL_FILE", file), ("AUTH__DATABASE__URL", "given")]);
    let url: Option<String> = read.required("database.url");
    std::fs::remove_file(&path).unwrap();
    let told = read.finish(url).unwrap_err().to_string();
    assert!(
        told.contains("1 setting is wrong") && told.contains("AUTH__DATABASE__URL is given as well"),
        "{told}"
    );

    let mut read = reader(&[("AUTH__CLIENT__SECRET_FILE", file), ("AUTH__CLIENTS__PREFS_FILE", file)]);
    let secret = read.optional_secret("client.secret", 32);
    let told = read.finish(Some(secret)).unwrap_err().to_string();
    let wanted = [
        "AUTH__CLIENT__SECRET_FILE: ",
        "cannot be read: No such file",
        "AUTH__CLIENTS__PREFS_FILE: there is no",
    ];
    assert!(wanted.iter().all(|wanted| told.contains(wanted)), "{told}");
}

#[test]
fn a_missing_file_is_a_fault() {
    let mut read = Reader::new(Service::Auth, Some(Path::new("/nowhere/plinth.toml")), []);
    let size: u32 = read.or("database.pool_size", 10);
    assert!(read.finish(Some(size)).unwrap_err().to_string().contains("PLINTH_CONFIG"));
}
