// Calls an authority through the published crates, and says what each call gave, a line of JSON each.
use hessra_client::types::{IdentityTokenRequest, RefreshIdentityTokenRequest, TokenRequest, VerifyTokenRequest};
use hessra_client::HessraClient;
use hessra_sdk::{Hessra, Protocol, ServiceChain};
use std::{env, fmt::Debug, fs};

fn text(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn file(name: &str) -> String {
    fs::read_to_string(text(name)).unwrap_or_default()
}

fn say<T: Debug, E: ToString>(call: &str, result: &Result<T, E>) {
    let said = match result {
        Ok(value) => format!("{value:?}"),
        Err(error) => format!("error: {}", error.to_string()),
    };
    println!("{}", serde_json::json!({ "call": call, "said": said }));
}

async fn drive_sdk(host: &str, port: u16) {
    let builder = Hessra::builder().base_url(host).port(port).protocol(Protocol::Http1).server_ca(file("CA"));
    let mut sdk = builder.mtls_cert(file("CERT")).mtls_key(file("KEY")).personal_keypair(file("GATEWAY")).build().unwrap();
    say("setup", &sdk.setup().await);
    let me = text("ME");

    let token = sdk.request_token_simple("notes", "read").await;
    say("request_token", &token);
    if let Ok(token) = &token {
        say("verify_token local", &sdk.verify_token(token, &me, "notes", "read").await);
        say("verify_token_remote", &sdk.verify_token_remote(token, &me, "notes", "read").await);
        say("another operation", &sdk.verify_token_remote(token, &me, "notes", "write-all").await);
    }
    let identity = sdk.request_identity_token(None).await;
    say("request_identity_token", &identity);
    if let Some(token) = identity.ok().and_then(|response| response.token) {
        say("refresh_identity_token", &sdk.refresh_identity_token(&token, None).await);
        let delegated = sdk.attenuate_identity_token(&token, &format!("{me}:agent"), 60);
        say("attenuate_identity_token", &delegated);
        say("identity", &sdk.request_token_with_identity("notes", "read", &token, None).await);
    }
    let payment = sdk.request_token_with_signoffs("payments", "pay").await;
    say("request_token_with_signoffs", &payment);
    if let Ok(token) = &payment {
        say("the payment", &sdk.verify_token(token, &me, "payments", "pay").await);
    }
    if let Ok(token) = sdk.request_token_simple("invoices", "read").await {
        let attested = sdk.attest_service_chain_token(token, "invoices");
        say("attest_service_chain_token", &attested);
        let chain = ServiceChain::from_json(&text("CHAIN")).unwrap();
        let at = Some("ledger".to_string());
        let token = attested.unwrap_or_default();
        let local = sdk.verify_service_chain_token_local(token.clone(), &me, "invoices", "read", &chain, at.clone());
        say("verify_service_chain_token_local", &local);
        say("verify_service_chain_token_remote", &sdk.verify_service_chain_token_remote(token, &me, "invoices", at).await);
    }
    let below = format!("{me}:user1");
    say("mint_domain_restricted_identity_token", &sdk.mint_domain_restricted_identity_token(&below, Some(60)).await);
    say("request_stub_token", &sdk.request_stub_token(&below, "notes", "read", text("PREFIX_KEY"), Some(60)).await);
}

async fn drive_client(host: &str, port: u16) {
    let builder = HessraClient::builder().base_url(host).port(port).server_ca(file("CA"));
    let client = builder.mtls_cert(file("CERT")).mtls_key(file("KEY")).build().unwrap();
    say("client health", &client.health().await);
    say("client fetch_public_key", &client.fetch_public_key().await.map(|key| key.print()));
    let right = TokenRequest { resource: "notes".into(), operation: "read".into() };
    let token = client.request_token(&right).await;
    say("client request_token", &token);
    if let Some(token) = token.ok().and_then(|response| response.token) {
        let asked = VerifyTokenRequest { token, subject: text("ME"), resource: "notes".into(), operation: "read".into() };
        say("client verify_token", &client.verify_token(&asked).await);
    }
    let identity = client.request_identity_token(&IdentityTokenRequest { identifier: None }).await;
    say("client request_identity_token", &identity);
    if let Some(token) = identity.ok().and_then(|response| response.token) {
        say("client request_token_with_identity", &client.request_token_with_identity(&right, &token).await);
        let current = RefreshIdentityTokenRequest { current_token: token, identifier: None };
        say("client refresh_identity_token", &client.refresh_identity_token(&current).await);
    }
}

#[tokio::main]
async fn main() {
    let port = text("PORT").parse().expect("PORT");
    let host = text("HOST");
    drive_sdk(&host, port).await;
    drive_client(&host, port).await;
}
