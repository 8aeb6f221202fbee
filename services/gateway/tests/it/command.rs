use std::process::{Command, Output};

use data_encoding::BASE64;

use crate::spawn::CLIENT_SECRET;

fn gateway(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(testing::bin_dir().join("gateway"));
    command.env_clear().envs(variables.iter().copied()).args(arguments).output().unwrap()
}

#[test]
fn every_fault_of_the_settings_is_named_at_once() {
    for arguments in [&["--check-config"][..], &["check-config"], &["serve"], &[]] {
        let output = gateway(arguments, &[("GATEWAY__REDIS__URL", "x"), ("GATEWAY__REDIS__URI", "y")]);
        let told = String::from_utf8(output.stderr).unwrap();
        for variable in
            ["TOKEN__KEYS: is", "CLIENT__SECRET: is", "REDIS__URL: a URL", "REDIS__URI: there is no"]
        {
            assert!(told.contains(&format!("GATEWAY__{variable}")), "{variable}\n{told}");
        }
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn settings_in_order_are_said_to_be() {
    let keys = BASE64.encode(&[9; 32]);
    let output = gateway(
        &["check-config"],
        &[
            ("GATEWAY__TOKEN__KEYS", &keys),
            ("GATEWAY__CLIENT__SECRET", CLIENT_SECRET),
            ("GATEWAY__REDIS__URL", "redis://127.0.0.1:1"),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn the_document_is_the_one_that_is_kept() {
    let printed: serde_json::Value = serde_json::from_slice(&gateway(&["openapi"], &[]).stdout).unwrap();
    let kept: serde_json::Value = serde_json::from_str(include_str!("../../openapi.json")).unwrap();
    assert_eq!(printed, kept);
}
