//! Bad settings: nothing of them is in force.

use std::{fs, time::Duration};

use gateway::Outcome;

use super::configured::{Configured, all, prefs, spawn};
use crate::instance::{Instance, PATH};

async fn serves(gateway: &Configured, instance: &Instance) {
    let before = instance.count();
    for _ in 0..10 {
        assert_eq!(gateway.gateway.get(PATH).send().await.unwrap().status(), 200);
    }
    assert_eq!(instance.count(), before + 10);
}

#[actix_web::test]
async fn of_a_bad_file_nothing_is_in_force_and_it_is_told() {
    let (old, new) = (Instance::start(), Instance::start());
    let gateway = spawn(&all(&[&old])).await;
    let good = all(&[&new]);
    let applied_at = gateway.metric("gateway_config_applied_timestamp_seconds").await;
    assert!(applied_at > 1_700_000_000);
    for (refused, bad) in [
        // A value, a name, another service's instance, something that is no TOML.
        format!("{good}[gateway]\nmax_body_bytes = \"much\"\n"),
        format!("{good}[gateway]\nmax_body_byte = 4\n"),
        format!("{good}auth_service_url = \"http://a?weight=1000\"\n"),
        format!("{good}[gateway"),
        // What only a restart changes.
        format!("{good}[gateway.http]\nworkers = 1\n[gateway.log]\nlevel = \"warn\"\n"),
        // A name that nobody knows.
        prefs(&format!("{}, http://nowhere.invalid:80", new.url)),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(gateway.reload(&bad).await, Outcome::Refused, "{bad}");
        serves(&gateway, &old).await;
        assert_eq!(gateway.reloads("refused").await, 1 + refused as i64, "{bad}");
        assert_eq!(gateway.metric("gateway_config_is_current").await, 0);
    }
    fs::remove_file(&gateway.file).unwrap();
    assert_eq!(gateway.gateway.reloader.reload().await, Some(Outcome::Refused));
    serves(&gateway, &old).await;
    assert_eq!((new.count(), gateway.reloads("applied").await), (0, 0));
    assert_eq!(gateway.reload(&all(&[&old])).await, Outcome::Unchanged);
    assert_eq!(gateway.metric("gateway_config_is_current").await, 1);
    gateway.apply(&good).await;
    serves(&gateway, &new).await;
    assert!(gateway.metric("gateway_config_applied_timestamp_seconds").await >= applied_at);
}

#[actix_web::test]
async fn what_is_refused_is_told_once_however_often_it_is_found() {
    let instance = Instance::start();
    let gateway = spawn(&all(&[&instance])).await;
    gateway.write("[gateway");
    for _ in 0..200 {
        if gateway.reloads("refused").await > 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Some looks more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(gateway.reloads("refused").await, 1);
    assert_eq!(gateway.gateway.reloader.reload().await, Some(Outcome::Refused));
    assert_eq!(gateway.reloads("refused").await, 2, "whoever asks is told");
    serves(&gateway, &instance).await;
}
