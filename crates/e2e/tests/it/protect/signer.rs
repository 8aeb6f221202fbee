//! Signs with auth's very key, which no client has: what is refused then is refused for
//! what the token says.

use std::process::Command;

use data_encoding::BASE64URL_NOPAD as BASE64;
use e2e::{Plinth, Tables};
use identity::SigningKey;
use jsonwebtoken::{Algorithm, EncodingKey};
use sealing::Keyring;
use serde_json::{Value, json};

/// PKCS #8 of an Ed25519 key, up to its seed (RFC 8410 section 7).
const PKCS8: [u8; 16] =
    [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];

pub(crate) struct Signer {
    seed: [u8; 32],
}

impl Signer {
    /// With the key that auth signs with, from its table.
    pub(crate) async fn of(plinth: &Plinth) -> Self {
        let client = Tables::of(plinth, "auth").connect().await.unwrap();
        let row = client.query_one("SELECT kid, sealed_seed FROM signing_keys", &[]).await.unwrap();
        let (kid, sealed): (String, Vec<u8>) = (row.get(0), row.get(1));
        let keyring = Keyring::parse(plinth.secrets()["auth_sealing"].as_str().unwrap()).unwrap();
        let seed = keyring.open(format!("signing_keys/{kid}/sealed_seed").as_bytes(), &sealed).unwrap();
        Self { seed: seed.try_into().unwrap() }
    }

    /// With a key that nobody trusts.
    pub(crate) const fn stranger() -> Self {
        Self { seed: [9; 32] }
    }

    /// The public half.
    pub(crate) fn public_jwk(&self) -> Value {
        json!(SigningKey::from_seed(&self.seed).unwrap().public_jwk())
    }

    /// Any header and claims, signed.
    pub(crate) fn sign(&self, header: &Value, claims: &Value) -> String {
        let key = EncodingKey::from_ed_der(&[&PKCS8[..], &self.seed].concat());
        signed(header, claims, &key, Algorithm::EdDSA)
    }

    /// As if the public key were a secret that both sides share.
    pub(crate) fn sign_hs256(&self, header: &Value, claims: &Value) -> String {
        let public = BASE64.decode(self.public_jwk()["x"].as_str().unwrap().as_bytes()).unwrap();
        signed(header, claims, &EncodingKey::from_secret(&public), Algorithm::HS256)
    }
}

fn signed(header: &Value, claims: &Value, key: &EncodingKey, algorithm: Algorithm) -> String {
    let [header, claims] = [header, claims].map(|part| BASE64.encode(part.to_string().as_bytes()));
    let message = format!("{header}.{claims}");
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), key, algorithm).unwrap();
    format!("{message}.{signature}")
}

/// Gives auth a new key, and voids the old one.
pub(crate) fn rotate(plinth: &Plinth) {
    let (secrets, endpoints) = (plinth.secrets(), plinth.endpoints().unwrap());
    let rotated = Command::new(testing::bin_dir().join("auth"))
        .args(["keys", "rotate", "--now"])
        .env("AUTH__DATABASE__URL", endpoints["services"]["auth"]["database_url"].as_str().unwrap())
        .env("AUTH__SEALING__KEYS", secrets["auth_sealing"].as_str().unwrap())
        .env("AUTH__CLIENTS__GATEWAY", secrets["gateway_client"].as_str().unwrap())
        .output()
        .unwrap();
    assert!(rotated.status.success(), "{rotated:?}");
}
