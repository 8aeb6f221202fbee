//! All that is held about a person, through the gateway.

use std::time::Duration;

use contract_auth::{Export, ExportDocument, ExportState, MailKind, NewInvitation, NewOrganization, routes};
use contract_prefs::{NamespaceName, NewNamespace, Writing};
use e2e::{PASSWORD, Plinth, Somebody};
use serde_json::{Value, json};

/// Waits until the export is ready, whatever dies meanwhile.
async fn ready(who: &Somebody, asked: &Export) -> Export {
    for _ in 0..1200 {
        let export = who.auth.export(who.token(), asked.id).await;
        if let Some(export) = export.ok().filter(|export| export.state == ExportState::Ready) {
            return export;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it is never ready");
}

async fn choose(who: &Somebody, token: &str, namespace: &NamespaceName, document: Value) {
    let document = document.as_object().unwrap().clone();
    who.prefs.replace_document(token, namespace, "*", &document).await.unwrap();
}

/// Takes a colleague into a new organisation of somebody's.
async fn engage(plinth: &Plinth, owner: &Somebody, colleague: &Somebody) -> ids::OrgId {
    for who in [owner, colleague] {
        assert!(plinth.command(&["admin", "verify", "--email", &who.email]).status.success());
    }
    let owners = owner.log_in_again().await.unwrap().access_token;
    let new = NewOrganization { name: "Engines".to_owned(), ..NewOrganization::default() };
    let org = owner.auth.create_org(&owners, &new).await.unwrap().id;
    let new = NewInvitation { email: colleague.email.clone(), role: "member".to_owned() };
    owner.auth.invite(&owners, org, &new).await.unwrap();
    let token = plinth.mail(&colleague.email, MailKind::Invitation).await.token.unwrap();
    let theirs = colleague.log_in_again().await.unwrap().access_token;
    colleague.auth.accept_invitation(&theirs, &token).await.unwrap();
    org
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_comes_back_from_all_services_and_nothing_of_a_colleague() {
    let plinth = Plinth::start().await;
    let (mut ada, mut bob) = (Somebody::arrive(&plinth).await, Somebody::arrive(&plinth).await);
    let org = engage(&plinth, &ada, &bob).await;
    let appearance: NamespaceName = "appearance".parse().unwrap();
    for (who, font) in [(&mut ada, 17), (&mut bob, 29)] {
        who.tokens = who.log_in_again().await.unwrap();
        choose(who, who.token().expose(), &appearance, json!({ "theme": "dark" })).await;
        let session = who.log_in_again().await.unwrap().access_token;
        let there = who.auth.switch_org(&session, org).await.unwrap().access_token.unwrap();
        choose(who, there.expose(), &appearance, json!({ "font_size": font })).await;
    }
    let asked = ada.auth.request_export(ada.token()).await.unwrap();
    let export = ready(&ada, &asked).await;
    let document = ada.auth.download_export(ada.token(), export.id).await.unwrap();
    assert_eq!(ada.auth.latest_export(ada.token()).await.unwrap(), document);
    assert_eq!((document.user_id, document.services.len()), (ada.id().await, 3));
    let documents = document.services["prefs"]["documents"].as_array().unwrap();
    let mut chosen: Vec<String> = documents.iter().map(|one| one["overrides"].to_string()).collect();
    chosen.sort();
    assert_eq!(chosen, [r#"{"font_size":17}"#, r#"{"theme":"dark"}"#], "in both organisations");
    let auth = &document.services["auth"];
    assert_eq!(auth["account"]["email"], ada.email);
    assert_eq!(auth["organizations"].as_array().unwrap().len(), 2);
    let text = serde_json::to_string(&document).unwrap();
    for foreign in
        [bob.email.clone(), bob.id().await.to_string(), r#""font_size":29"#.to_owned(), PASSWORD.to_owned()]
    {
        assert!(!text.contains(&foreign), "{foreign}");
    }
    let mail = plinth.mail(&ada.email, MailKind::ExportReady).await;
    assert_eq!((mail.link, &mail.variables["export_id"]), (None, &json!(export.id)));
    let url = format!("{}{}", plinth.url(), routes::EXPORT_DOWNLOAD.replace("{id}", &export.id.to_string()));
    let foreign = testing::http().get(url).bearer_auth(bob.token().expose()).send().await.unwrap();
    assert_eq!(foreign.status(), 404);
}

/// Words that nobody takes for a secret.
fn words(turn: u32) -> String {
    format!("{turn} engines weave patterns ").repeat(2400)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_document_comes_through_the_gateway_whole() {
    let plinth = Plinth::start().await;
    let (root, ada) = (Somebody::administer(&plinth).await, Somebody::arrive(&plinth).await);
    let notes: NamespaceName = "notes".parse().unwrap();
    let schema = json!({ "type": "object", "additionalProperties": false,
                         "properties": { "text": { "type": "string" } } });
    let new = NewNamespace {
        description: "A test's.".to_owned(),
        schema,
        defaults: json!({ "text": "" }).as_object().unwrap().clone(),
        locks: Vec::new(),
        migration: Vec::new(),
    };
    root.prefs.put_namespace(root.token().expose(), &notes, Writing::New, &new).await.unwrap();
    for turn in 0..150 {
        choose(&ada, ada.token().expose(), &notes, json!({ "text": words(turn) })).await;
    }
    let asked = ada.auth.request_export(ada.token()).await.unwrap();
    let export = ready(&ada, &asked).await;
    assert!(export.size.unwrap() > 8 * 1024 * 1024, "{:?}", export.size);
    let url = format!("{}{}", plinth.url(), routes::LATEST_EXPORT);
    let reply = testing::http().get(url).bearer_auth(ada.token().expose()).send().await.unwrap();
    let header = |name: &str| reply.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-length"), export.size.unwrap().to_string());
    assert_eq!(header("cache-control"), "no-store");
    assert!(header("content-disposition").starts_with("attachment; filename=\"plinth-export-20"));
    let document: ExportDocument = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
    let history = document.services["prefs"]["documents"][0]["history"].as_array().unwrap();
    let texts: Vec<_> =
        history.iter().rev().map(|version| version["overrides"]["text"].as_str().unwrap()).collect();
    assert_eq!(texts, (0..150).map(words).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn services_that_are_killed_while_it_is_gathered_cost_time_and_nothing_else() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let appearance = "appearance".parse().unwrap();
    choose(&ada, ada.token().expose(), &appearance, json!({ "theme": "dark" })).await;
    plinth.kill("prefs");
    let asked = ada.auth.request_export(ada.token()).await.unwrap();
    plinth.kill_through("auth").await;
    let export = ready(&ada, &asked).await;
    let document = ada.auth.download_export(ada.token(), export.id).await.unwrap();
    assert_eq!(document.services["prefs"]["documents"][0]["overrides"], json!({ "theme": "dark" }));
    plinth.mail(&ada.email, MailKind::ExportReady).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mails = plinth.mails(&ada.email).await;
    assert_eq!(mails.iter().filter(|mail| mail.kind == MailKind::ExportReady).count(), 1);
}
