//! More logins at once than can be hashed.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread::available_parallelism,
    time::Duration,
};

use contract_auth::{Client as Auth, Login};
use e2e::{PASSWORD, Plinth, Somebody};
use futures_util::future::join_all;

/// How a login was answered, and whether it says when to come back.
async fn log_in(http: &reqwest::Client, plinth: &Plinth, login: &Login) -> (u16, bool) {
    let url = format!("{}/api/v1/auth/login", plinth.url());
    let reply = http.post(url).json(login).send().await.unwrap();
    (reply.status().as_u16(), reply.headers().contains_key("retry-after"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_logins_is_shed_and_touches_nobody_who_has_a_token() {
    let plinth = Plinth::start().await;
    let ada = Somebody::arrive(&plinth).await;
    let login = Login { email: ada.email.clone(), password: PASSWORD.into() };
    // Three times what may wait (`AUTH__PASSWORDS__WAITING`).
    let many = 3 * 64 * available_parallelism().unwrap().get();
    let http = testing::http();
    let over = AtomicBool::new(false);
    let storm = async {
        let answers = join_all((0..many).map(|_| log_in(&http, &plinth, &login))).await;
        over.store(true, Ordering::Relaxed);
        answers
    };
    let verified = async {
        let (appearance, mut asked) = ("appearance".parse().unwrap(), 0);
        while !over.load(Ordering::Relaxed) {
            ada.auth.me(ada.token()).await.unwrap();
            ada.prefs.document(ada.token().expose(), &appearance).await.unwrap();
            asked += 1;
        }
        asked
    };
    let (answers, asked) = tokio::join!(storm, verified);
    let count = |wanted| answers.iter().filter(|answer| **answer == wanted).count();
    let (entered, shed) = (count((200, false)), count((503, true)));
    assert_eq!(entered + shed, many, "{answers:?}");
    assert!(entered > 0 && shed > 0, "{entered} entered, {shed} were shed");
    assert!(asked > 0, "nobody asked meanwhile");
    until_one_enters(&Auth::new(plinth.peer()), &login).await;
}

/// The storm leaves nothing behind.
async fn until_one_enters(auth: &Auth, login: &Login) {
    for _ in 0..300 {
        if auth.login(login).await.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("nobody can log in after the storm");
}
