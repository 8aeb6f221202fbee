//! The commands that a person types beside a running `plinth dev`.

use std::process::Output;

use e2e::{Plinth, Somebody};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

#[tokio::test]
async fn the_demo_walks_and_an_operator_rules() {
    let running = Plinth::start().await;
    let demo = running.command(&["demo"]);
    assert!(demo.status.success(), "{}", text(&demo));
    for step in
        ["register", "log in", "read me", "write them", "create an API key", "use it", "refresh", "log out"]
            .into_iter()
            .chain([
                "delete the account",
                "insufficient_scope",
                "change one's mind",
                "0 of the user's documents",
                "its signature is ours",
            ])
    {
        assert!(text(&demo).contains(step), "{step} in\n{}", text(&demo));
    }
    assert!(running.command(&["migrate", "check"]).status.success());
    let ada = Somebody::arrive(&running).await;
    assert!(ada.prefs.namespaces(ada.token().expose(), 10, None).await.is_err());
    let granted = running.command(&["admin", "grant", "--email", &ada.email, "--role", "ADMIN"]);
    assert!(granted.status.success(), "{}", text(&granted));
    let tokens = ada.auth.refresh(&ada.tokens.refresh_token).await.unwrap();
    let sensitive = ada.prefs.namespaces(tokens.access_token.expose(), 10, None).await;
    assert!(sensitive.is_err(), "sensitive scopes wait for a verified address");
    let made = running.command(&["admin", "create", "--email", "root@example.com"]);
    let told = text(&made);
    let password = told.lines().find_map(|line| line.strip_prefix("password (shown this once): ")).unwrap();
    let login = contract_auth::Login { email: "root@example.com".to_owned(), password: password.into() };
    let root = ada.auth.login(&login).await.unwrap().tokens().unwrap();
    let namespaces = ada.prefs.namespaces(root.access_token.expose(), 10, None).await.unwrap();
    assert!(!namespaces.data.is_empty());
}
