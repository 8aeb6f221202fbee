use std::process::{Command, Output};

fn auth(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_auth"));
    command.args(arguments).env_clear().envs(variables.iter().copied()).output().unwrap()
}

#[test]
fn a_start_without_settings_names_every_fault_and_fails() {
    for arguments in [&["serve"][..], &["check-config"], &["--check-config"], &[]] {
        let output = auth(arguments, &[("AUTH__HTTP__BIND", "nowhere"), ("AUTH__DATABASE__URI", "x")]);
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        for variable in [
            "AUTH__DATABASE__URL: is missing",
            "AUTH__SEALING__KEYS: is missing",
            "AUTH__CLIENTS__GATEWAY: is missing",
            "AUTH__HTTP__BIND: ",
            "AUTH__DATABASE__URI: there is no such setting; is it AUTH__DATABASE__URL?",
        ] {
            assert!(told.contains(variable), "{variable} in\n{told}");
        }
    }
}

#[test]
fn good_settings_pass_the_check_without_a_database() {
    let output = auth(
        &["--check-config"],
        &[
            ("AUTH__DATABASE__URL", "postgres://auth:x@127.0.0.1:1/auth"),
            ("AUTH__SEALING__KEYS", crate::spawn::SEALING_KEYS),
            ("AUTH__CLIENTS__GATEWAY", crate::spawn::CLIENT_SECRET),
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_document_is_printed_without_settings() {
    let output = auth(&["openapi"], &[]);
    assert!(output.status.success());
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["openapi"] == "3.1.0");
}
