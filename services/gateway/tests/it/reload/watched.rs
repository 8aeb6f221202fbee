//! A file that changes by itself.

use std::{fs, os::unix::fs::symlink};

use super::configured::{Configured, FILE, all, key, spawn, spawn_in};
use crate::{
    auth::Auth,
    instance::{Instance, PATH},
};

/// Waits until a request arrives there.
async fn until_reached(gateway: &Configured, instance: &Instance) {
    for _ in 0..200 {
        assert_eq!(gateway.gateway.get(PATH).send().await.unwrap().status(), 200);
        if instance.count() > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the file is not taken up");
}

#[actix_web::test]
async fn a_file_that_is_written_is_taken_up() {
    let (old, new) = (Instance::start(), Instance::start());
    let gateway = spawn(&all(&[&old])).await;
    fs::write(&gateway.file, all(&[&new])).unwrap();
    until_reached(&gateway, &new).await;
    assert_eq!((gateway.reloads("applied").await, gateway.reloads("refused").await), (1, 0));
}

/// As Kubernetes mounts a ConfigMap: the file is a link through a link, and that one is
/// replaced.
#[actix_web::test]
async fn a_link_that_leads_elsewhere_is_taken_up() {
    let (old, new) = (Instance::start(), Instance::start());
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    for (version, text) in [("first", all(&[&old])), ("second", all(&[&new]))] {
        fs::create_dir(at(version)).unwrap();
        fs::write(at(version).join(FILE), text).unwrap();
    }
    symlink("first", at("..data")).unwrap();
    symlink(format!("..data/{FILE}"), at(FILE)).unwrap();
    let (auth, keys) = (Auth::start(), key(9));
    let place = auth.url.clone();
    let variables = [("AUTH_INTERNAL_URL", place.as_str()), ("GATEWAY__TOKEN__KEYS", &keys)];
    let gateway = spawn_in(dir, auth, &variables).await;
    assert_eq!(gateway.gateway.get(PATH).send().await.unwrap().status(), 200);
    let at = |name: &str| gateway.dir.path().join(name);
    symlink("second", at("..new")).unwrap();
    fs::rename(at("..new"), at("..data")).unwrap();
    until_reached(&gateway, &new).await;
    assert_eq!((gateway.reloads("applied").await, gateway.reloads("refused").await), (1, 0));
}
