//! Answers that are compressed.

use std::io::Read;

use flate2::read::GzDecoder;

use crate::spawn::spawn;

#[actix_web::test]
async fn a_client_that_reads_gzip_gets_less_and_keeps_what_it_has() {
    let world = spawn().await;
    let ask = || world.gateway.get("/api/v1/prefs/text");
    let plain = ask().send().await.unwrap();
    assert_eq!(
        (plain.headers()["etag"].to_str().unwrap(), plain.headers()["vary"].to_str().unwrap()),
        ("\"v1\"", "accept-encoding")
    );
    let plain = plain.bytes().await.unwrap();
    let packed = ask().header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(
        (
            packed.headers()["content-encoding"].to_str().unwrap(),
            packed.headers().contains_key("content-length")
        ),
        ("gzip", false)
    );
    let tag = packed.headers()["etag"].to_str().unwrap().to_owned();
    assert_eq!(tag, "\"v1~gzip\"");
    let packed = packed.bytes().await.unwrap();
    assert!(packed.len() * 4 < plain.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain);
    let same = ask().header("accept-encoding", "gzip").header("if-none-match", &tag).send().await.unwrap();
    assert_eq!((same.status().as_u16(), same.headers()["etag"].to_str().unwrap()), (304, tag.as_str()));
    assert_eq!(world.upstream.last().header("if-none-match"), Some("\"v1\""));
    let changed = world.gateway.request(reqwest::Method::PUT, "/api/v1/prefs/count");
    changed.header("if-match", &tag).body("x").send().await.unwrap();
    assert_eq!(world.upstream.last().header("if-match"), Some("\"v1\""));
}

#[actix_web::test]
async fn the_document_and_the_pages_are_compressed_too() {
    let world = spawn().await;
    for path in ["/openapi.json", "/docs/swagger-ui.css", "/docs/problems"] {
        let plain = world.gateway.get(path).send().await.unwrap().bytes().await.unwrap();
        let packed = world.gateway.get(path).header("accept-encoding", "gzip").send().await.unwrap();
        assert_eq!(packed.headers()["content-encoding"], "gzip", "{path}");
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed.bytes().await.unwrap()[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain, "{path}");
    }
}
