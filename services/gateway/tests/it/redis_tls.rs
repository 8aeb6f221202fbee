//! A Redis that speaks TLS, as clouds keep it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use data_encoding::BASE64;
use local_servers::port;

use crate::spawn::CLIENT_SECRET;

/// A process that is killed with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Tolerated: it may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis with a certificate of its own making: `plain` tells what is in it, `tls` is what is used.
fn redis(dir: &Path, plain: u16, tls: u16) -> Running {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(dir.join("cert.pem"), made.cert.pem()).unwrap();
    fs::write(dir.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let ports =
        [("--port", plain), ("--tls-port", tls)].map(|(name, port)| [name.to_owned(), port.to_string()]);
    let command = Command::new("redis-server")
        .args(ports.concat())
        .args(["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-auth-clients", "no"])
        .args(["--bind", "127.0.0.1", "--save", "", "--requirepass", "secret"])
        .current_dir(dir)
        .stdout(Stdio::null())
        .spawn();
    Running(command.unwrap())
}

/// How many keys it holds: nobody writes but the gateway, and that by TLS alone.
async fn keys(plain: u16) -> Option<i64> {
    let config = deadpool_redis::Config::from_url(format!("redis://:secret@127.0.0.1:{plain}"));
    let pool = config.create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap();
    let mut connection = pool.get().await.ok()?;
    deadpool_redis::redis::cmd("DBSIZE").query_async(&mut connection).await.ok()
}

#[tokio::test]
async fn limits_are_counted_in_a_redis_that_speaks_tls() {
    let dir = tempfile::tempdir().unwrap();
    let [plain, tls, public, internal] = [(); 4].map(|()| port::free().unwrap());
    let _redis = redis(dir.path(), plain, tls);
    while keys(plain).await.is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let variables = [
        ("SSL_CERT_FILE", dir.path().join("cert.pem").display().to_string()),
        ("GATEWAY__REDIS__URL", format!("rediss://:secret@localhost:{tls}")),
        ("GATEWAY__REDIS__PATIENCE_MS", "5000".to_owned()),
        ("GATEWAY__HTTP__BIND", format!("127.0.0.1:{public}")),
        ("GATEWAY__HTTP__INTERNAL_BIND", format!("127.0.0.1:{internal}")),
        ("GATEWAY__TOKEN__KEYS", BASE64.encode(&[9; 32])),
        ("GATEWAY__CLIENT__SECRET", CLIENT_SECRET.to_owned()),
    ];
    let mut gateway = Command::new(testing::bin_dir().join("gateway"));
    let _gateway = Running(gateway.env_clear().envs(variables).stdout(Stdio::null()).spawn().unwrap());
    let ask = format!("http://127.0.0.1:{public}/api/v1/auth/login");
    for _ in 0..200 {
        // Whatever comes back: it was counted before.
        let _ = testing::http().post(&ask).json(&serde_json::json!({})).send().await;
        if keys(plain).await > Some(0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing came to Redis");
}
