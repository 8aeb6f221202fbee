use std::{borrow::Cow, sync::Arc};

use ids::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, errors::ErrorKind};
use serde::Deserialize;
use service_discovery::{CallError, Peer, Registry, Service};

use crate::{
    Claims, EDGE_AUDIENCE, FetchedKeys, GATEWAY_ISSUER, KeySource, Refusal, Revocations, jwks_path,
    proven::{Proof, Proven},
    signing::TOKEN_TYPE,
};

/// The largest token that is read, bytes; ours have some 700.
const MAX_LENGTH: usize = 8192;

/// How far clocks may be apart, seconds.
const LEEWAY: u64 = 5;

/// An issuer whose tokens are accepted, and for which audiences.
#[derive(Clone, Debug)]
pub struct Trusted {
    /// `iss`, exactly.
    pub issuer: String,
    /// `aud`: one of these, exactly.
    pub audiences: Vec<String>,
    /// The issuer's public keys.
    pub keys: KeySource,
}

/// Reads tokens: which issuers, audiences and keys it accepts is fixed when it is made.
///
/// It follows RFC 8725: one algorithm, `typ` checked, keys only from the issuer's
/// own set (`jku`, `x5u` and `jwk` in a header are never looked at).
#[derive(Clone, Debug)]
pub struct Verifier {
    trusted: Vec<Trusted>,
    revocations: Revocations,
    proven: Option<Proven>,
}

impl Trusted {
    /// What the gateway mints for `service`, proven by the keys that it publishes.
    ///
    /// # Errors
    /// When the registry cannot place the gateway.
    pub fn gateway(registry: &Registry, service: Service) -> Result<Self, CallError> {
        Ok(Self {
            issuer: GATEWAY_ISSUER.to_owned(),
            audiences: vec![service.name().to_owned()],
            keys: published(registry, Service::Gateway)?,
        })
    }

    /// What auth issues for `service`. Without a gateway in front
    /// (`takes_clients_tokens`), also the tokens that clients hold.
    ///
    /// # Errors
    /// When the registry cannot place auth.
    pub fn auth(
        registry: &Registry,
        service: Service,
        takes_clients_tokens: bool,
    ) -> Result<Self, CallError> {
        let mut audiences = vec![service.name().to_owned()];
        if takes_clients_tokens {
            audiences.push(EDGE_AUDIENCE.to_owned());
        }
        let keys = published(registry, Service::Auth)?;
        Ok(Self { issuer: registry.public_origin(), audiences, keys })
    }
}

/// The keys that `signer` publishes on its internal listener.
fn published(registry: &Registry, signer: Service) -> Result<KeySource, CallError> {
    let peer = Peer::new(registry.internal(signer), &registry.peer_options())?;
    Ok(KeySource::Fetched(FetchedKeys::new(peer, &jwks_path(signer))))
}

impl Verifier {
    /// A verifier that accepts what is listed and not revoked, and nothing else.
    #[must_use]
    pub fn new(trusted: Vec<Trusted>, revocations: Revocations) -> Self {
        Self { trusted, revocations, proven: None }
    }

    /// Remembers the tokens that it has proven: of one that comes again, only the time, the
    /// revocations, and that its key is held still are looked at.
    #[must_use]
    pub fn remembering(self) -> Self {
        Self { proven: Some(Proven::new()), ..self }
    }

    /// The revocations that it heeds.
    #[must_use]
    pub const fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The claims of a token that is accepted.
    ///
    /// # Errors
    /// [`Refusal`] says why it is not.
    pub async fn verify(&self, token: &str) -> Result<Arc<Claims>, Refusal> {
        if token.len() > MAX_LENGTH {
            return Err(Refusal::Invalid("it is too long"));
        }
        let claims = match self.recall(token).await? {
            Some(claims) => claims,
            None => Box::pin(self.prove(token)).await?,
        };
        self.revocations.check(&claims)?;
        Ok(claims)
    }

    /// The claims of a token that was proven before, if they hold still.
    async fn recall(&self, token: &str) -> Result<Option<Arc<Claims>>, Refusal> {
        let proof = self.proven.as_ref().and_then(|proven| proven.recall(token));
        let Some((proof, trusted)) =
            proof.and_then(|proof| Some((proof.clone(), self.trusted.get(proof.issuer)?)))
        else {
            return Ok(None);
        };
        let held = trusted.keys.find(&proof.kid).await?;
        if !held.is_some_and(|key| Arc::ptr_eq(&key, &proof.key)) {
            return Ok(None);
        }
        let end = proof.claims.exp.saturating_add(i64::try_from(LEEWAY).unwrap_or_default());
        if end < Timestamp::now().unix_seconds() {
            return Err(Refusal::Expired);
        }
        Ok(Some(Arc::clone(&proof.claims)))
    }

    /// The claims of a token, by its signature.
    async fn prove(&self, token: &str) -> Result<Arc<Claims>, Refusal> {
        let header = jsonwebtoken::decode_header(token).map_err(|_why| Refusal::Invalid("it is no JWT"))?;
        let kid = acceptable_header(&header)?;
        let name = unverified_issuer(token)?;
        let issuer = self.trusted.iter().position(|trusted| trusted.issuer == name);
        let (issuer, trusted) = issuer
            .and_then(|issuer| Some((issuer, self.trusted.get(issuer)?)))
            .ok_or(Refusal::Invalid("its issuer is unknown here"))?;
        let key = trusted.keys.find(kid).await?.ok_or(Refusal::Invalid("its key is unknown"))?;
        let claims = Arc::new(verify_with(token, trusted, &key)?);
        if let Some(proven) = &self.proven {
            proven.remember(token, Proof { claims: Arc::clone(&claims), issuer, kid: kid.to_owned(), key });
        }
        Ok(claims)
    }
}

/// The `kid` of a header that one of our tokens may have.
fn acceptable_header(header: &Header) -> Result<&str, Refusal> {
    if header.alg != Algorithm::EdDSA {
        return Err(Refusal::Invalid("its algorithm is not EdDSA"));
    }
    if !header.typ.as_deref().is_some_and(|typ| typ.eq_ignore_ascii_case(TOKEN_TYPE)) {
        return Err(Refusal::Invalid("its type is not at+jwt"));
    }
    if header.crit.is_some() {
        return Err(Refusal::Invalid("it has critical extensions"));
    }
    header.kid.as_deref().ok_or(Refusal::Invalid("it names no key"))
}

/// Who it says made it: only to choose the keys that then prove it.
fn unverified_issuer(token: &str) -> Result<String, Refusal> {
    #[derive(Deserialize)]
    struct Issuer<'a> {
        iss: Cow<'a, str>,
    }
    jsonwebtoken::dangerous::insecure_decode_claims::<Issuer<'_>>(token)
        .map(|claims| claims.iss.into_owned())
        .map_err(|_why| Refusal::Invalid("it names no issuer"))
}

fn verify_with(token: &str, trusted: &Trusted, key: &DecodingKey) -> Result<Claims, Refusal> {
    let mut rules = Validation::new(Algorithm::EdDSA);
    rules.leeway = LEEWAY;
    rules.validate_nbf = true;
    rules.set_issuer(&[&trusted.issuer]);
    rules.set_audience(&trusted.audiences);
    rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    let claims =
        jsonwebtoken::decode::<Claims>(token, key, &rules).map_err(|why| refusal(why.kind()))?.claims;
    if claims.iat > Timestamp::now().unix_seconds() + i64::try_from(LEEWAY).unwrap_or_default() {
        return Err(Refusal::Invalid("it was made in the future"));
    }
    Ok(claims)
}

fn refusal(kind: &ErrorKind) -> Refusal {
    match kind {
        ErrorKind::ExpiredSignature => Refusal::Expired,
        ErrorKind::InvalidSignature => Refusal::Invalid("its signature is wrong"),
        ErrorKind::InvalidAudience => Refusal::Invalid("it is meant for somebody else"),
        ErrorKind::ImmatureSignature => Refusal::Invalid("it is not valid yet"),
        _ => Refusal::Invalid("its claims are not those of an access token"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Feed, KeySet, Revocation, SigningKey, signing::PKCS8_PREFIX};
    use data_encoding::BASE64URL_NOPAD;
    use jsonwebtoken::{
        EncodingKey,
        jwk::{AlgorithmParameters, JwkSet},
    };
    use proptest::prelude::*;
    use serde_json::json;

    const SEED: [u8; 32] = [7; 32];

    fn key() -> SigningKey {
        SigningKey::from_seed(&SEED).unwrap()
    }

    fn verifier() -> Verifier {
        verifier_by(Arc::default())
    }

    fn verifier_by(keys: Arc<KeySet>) -> Verifier {
        keys.replace(&JwkSet { keys: vec![key().public_jwk()] });
        let trusted = Trusted {
            issuer: "https://api.example.com".to_owned(),
            audiences: vec!["plinth".to_owned()],
            keys: KeySource::Held(keys),
        };
        let revocations = Revocations::default();
        revocations.take(Feed::default());
        Verifier::new(vec![trusted], revocations)
    }

    fn claims() -> Claims {
        let now = Timestamp::now().unix_seconds();
        Claims {
            iss: "https://api.example.com".to_owned(),
            sub: "usr_01h455vb4pex5vsknk084sn02q".to_owned(),
            aud: "plinth".to_owned(),
            exp: now + 300,
            iat: now,
            jti: "1".to_owned(),
            org: None,
            scope: "prefs:read".parse().unwrap(),
            roles: vec!["USER".to_owned()],
            ver: 1,
            sid: None,
            sver: 0,
            auth_time: None,
            amr: Vec::new(),
            rpm: None,
            act: None,
        }
    }

    async fn refusal_of(token: &str) -> Refusal {
        verifier().verify(token).await.unwrap_err()
    }

    /// A token with any header and claims, signed by the real key.
    fn forge(header: &serde_json::Value, claims: &serde_json::Value) -> String {
        let part = |value: &serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let message = format!("{}.{}", part(header), part(claims));
        let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
        format!("{message}.{}", BASE64URL_NOPAD.encode(pair.sign(message.as_bytes()).as_ref()))
    }

    fn good_header() -> serde_json::Value {
        json!({ "alg": "EdDSA", "typ": "at+jwt", "kid": key().kid() })
    }

    #[tokio::test]
    async fn what_was_signed_is_read_back() {
        let token = key().sign(&claims()).unwrap();
        assert_eq!(*verifier().verify(&token).await.unwrap(), claims());
        let forged = forge(&good_header(), &serde_json::to_value(claims()).unwrap());
        assert!(verifier().verify(&forged).await.is_ok(), "the forger below makes valid tokens");
    }

    #[tokio::test]
    async fn an_expired_token_is_told_apart() {
        let now = Timestamp::now().unix_seconds();
        let token = key().sign(&Claims { exp: now - 10, iat: now - 310, ..claims() }).unwrap();
        assert_eq!(refusal_of(&token).await, Refusal::Expired);
    }

    #[tokio::test]
    async fn every_deviating_claim_is_refused() {
        let now = Timestamp::now().unix_seconds();
        let deviations = [
            ("aud", json!("prefs")),
            ("aud", json!(["plinth", "prefs"])),
            ("iss", json!("https://evil.example.com")),
            ("iat", json!(now + 3600)),
            ("nbf", json!(now + 3600)),
            ("exp", json!("tomorrow")),
            ("exp", json!(null)),
            ("iat", json!(null)),
            ("jti", json!(null)),
            ("sub", json!(null)),
            ("aud", json!(null)),
        ];
        for (name, value) in deviations {
            let mut deviating = serde_json::to_value(claims()).unwrap();
            deviating[name] = value.clone();
            let refusal = refusal_of(&forge(&good_header(), &deviating)).await;
            assert!(matches!(refusal, Refusal::Invalid(_)), "{name} = {value}: {refusal:?}");
            if value.is_null() {
                deviating.as_object_mut().unwrap().remove(name);
                assert!(verifier().verify(&forge(&good_header(), &deviating)).await.is_err(), "no {name}");
            }
        }
    }

    #[tokio::test]
    async fn every_deviating_header_is_refused() {
        let claims = serde_json::to_value(claims()).unwrap();
        let deviations = [
            ("typ", json!("JWT")),
            ("typ", json!(null)),
            ("alg", json!("none")),
            ("alg", json!("HS256")),
            ("alg", json!("RS256")),
            ("kid", json!("another")),
            ("kid", json!(null)),
            ("crit", json!(["exp"])),
        ];
        for (name, value) in deviations {
            let mut header = good_header();
            header[name] = value.clone();
            let refusal = refusal_of(&forge(&header, &claims)).await;
            assert!(matches!(refusal, Refusal::Invalid(_)), "{name} = {value}: {refusal:?}");
        }
    }

    #[tokio::test]
    async fn the_public_key_is_no_hmac_secret() {
        let AlgorithmParameters::OctetKeyPair(pair) = key().public_jwk().algorithm else { panic!() };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key().kid().to_owned());
        let secret = EncodingKey::from_secret(&BASE64URL_NOPAD.decode(pair.x.as_bytes()).unwrap());
        let token = jsonwebtoken::encode(&header, &claims(), &secret).unwrap();
        assert!(matches!(refusal_of(&token).await, Refusal::Invalid(_)));
    }

    #[tokio::test]
    async fn nothing_is_accepted_until_revocations_are_known_and_nothing_revoked_then() {
        let token = key().sign(&claims()).unwrap();
        let verifier = Verifier { revocations: Revocations::default(), ..verifier() };
        assert_eq!(verifier.verify(&token).await.unwrap_err(), Refusal::RevocationsUnknown);
        verifier.revocations().take(Feed::default());
        assert!(verifier.verify(&token).await.is_ok());
        verifier.revocations().hear([Revocation { subject: claims().sub, version: Some(2) }]);
        assert_eq!(verifier.verify(&token).await.unwrap_err(), Refusal::Revoked);
        let newer = key().sign(&Claims { ver: 2, ..claims() }).unwrap();
        assert!(verifier.verify(&newer).await.is_ok());
    }

    #[tokio::test]
    async fn what_is_remembered_ends_with_its_key_its_time_and_its_revocation() {
        let keys: Arc<KeySet> = Arc::default();
        let verifier = verifier_by(Arc::clone(&keys)).remembering();
        let token = key().sign(&claims()).unwrap();
        for _ in 0..2 {
            assert_eq!(*verifier.verify(&token).await.unwrap(), claims());
        }
        assert!(verifier.proven.as_ref().unwrap().recall(&token).is_some());
        let (body, signature) = token.rsplit_once('.').unwrap();
        let other = key().sign(&Claims { jti: "2".to_owned(), ..claims() }).unwrap();
        let mixed = format!("{body}.{}", other.rsplit_once('.').unwrap().1);
        assert!(verifier.verify(&mixed).await.is_err(), "with another signature than {signature}");

        let mut impostor = SigningKey::from_seed(&[9; 32]).unwrap().public_jwk();
        impostor.common.key_id = Some(key().kid().to_owned());
        keys.replace(&JwkSet { keys: vec![impostor] });
        assert!(verifier.verify(&token).await.is_err(), "another key has its name");
        keys.replace(&JwkSet { keys: Vec::new() });
        assert!(verifier.verify(&token).await.is_err(), "its key is gone");
        keys.replace(&JwkSet { keys: vec![key().public_jwk()] });
        assert!(verifier.verify(&token).await.is_ok());

        let soon = Timestamp::now().unix_seconds() - 4;
        let late = key().sign(&Claims { exp: soon, iat: soon - 300, ..claims() }).unwrap();
        assert!(verifier.verify(&late).await.is_ok(), "within the leeway");
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        assert_eq!(verifier.verify(&late).await.unwrap_err(), Refusal::Expired);

        verifier.revocations().hear([Revocation { subject: claims().sub, version: None }]);
        assert_eq!(verifier.verify(&token).await.unwrap_err(), Refusal::Revoked);
        assert!(verifier.verify("nonsense").await.is_err());
    }

    #[tokio::test]
    async fn a_service_needs_no_revocations() {
        let verifier = Verifier { revocations: Revocations::default(), ..verifier() };
        let own = key().sign(&Claims { sub: "service:prefs".to_owned(), ..claims() }).unwrap();
        assert!(verifier.verify(&own).await.is_ok());
    }

    #[tokio::test]
    async fn a_key_inside_the_header_is_never_trusted() {
        let own = SigningKey::from_seed(&[9; 32]).unwrap();
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key().kid().to_owned());
        header.jwk = Some(own.public_jwk());
        header.jku = Some("http://127.0.0.1:9/jwks.json".to_owned());
        let private = EncodingKey::from_ed_der(&[&PKCS8_PREFIX[..], &[9; 32]].concat());
        let token = jsonwebtoken::encode(&header, &claims(), &private).unwrap();
        assert_eq!(refusal_of(&token).await, Refusal::Invalid("its signature is wrong"));
    }

    proptest! {
        #[test]
        fn no_text_is_accepted_or_makes_it_panic(token in "[A-Za-z0-9_.=-]{0,200}|\\PC{0,80}") {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            prop_assert!(runtime.block_on(verifier().verify(&token)).is_err());
        }
    }
}
