use std::collections::BTreeMap;
use std::sync::Mutex;

use crypto::Pending;

use super::*;
use crate::issue;
use crate::keys::cache::{CacheLimits, KeyCache};
use crate::testing::{House, token_request};

const PARTNER: &str = "11111111-2222-3333-4444-555555555555";

/// A plan in memory; `fail` makes the next calls fail.
#[derive(Default)]
struct MemoryPlan {
    members: Mutex<BTreeMap<String, String>>,
    fail: std::sync::atomic::AtomicBool,
}

impl MemoryPlan {
    fn check(&self) -> Result<(), BoxError> {
        let fails = self.fail.load(std::sync::atomic::Ordering::SeqCst);
        if fails { Err("throttled".into()) } else { Ok(()) }
    }

    fn fail(&self, fail: bool) {
        self.fail.store(fail, std::sync::atomic::Ordering::SeqCst);
    }
}

impl UsagePlan for MemoryPlan {
    fn join<'a>(&'a self, client: &'a ClientId, value: &'a str) -> Pending<'a, String> {
        Box::pin(async move {
            self.check()?;
            let id = format!("key of {client}");
            self.members.lock().unwrap().insert(id.clone(), value.to_owned());
            Ok(id)
        })
    }

    fn leave<'a>(&'a self, key_id: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            self.check()?;
            self.members.lock().unwrap().remove(key_id);
            Ok(())
        })
    }
}

struct Desk {
    house: House,
    app: App,
    plan: Arc<MemoryPlan>,
}

impl Desk {
    fn new() -> Self {
        let house = House::new();
        let plan = Arc::new(MemoryPlan::default());
        let app = App {
            clients: house.clients.clone(),
            keys: house.ring(),
            plan: Some(plan.clone()),
            issuer: house.issuer(),
            clock: house.clock.clone(),
            random: house.random.clone(),
        };
        Self { house, app, plan }
    }

    async fn ask(&self, command: Value) -> Value {
        run(&self.app, command).await.unwrap()
    }

    async fn refused(&self, command: Value) -> AdminError {
        run(&self.app, command).await.unwrap_err()
    }

    /// Whether the token endpoint takes this secret.
    async fn opens(&self, client: &str, secret: &str) -> bool {
        let app = issue::App {
            clients: self.house.clients.clone(),
            keys: self.house.ring(),
            signing: self.house.kms.clone(),
            signing_key_ids: self.house.signing_key_ids(),
            signing_key: KeyCache::new(CacheLimits::default()),
            issuer: self.house.issuer(),
            audience: self.house.audience(),
            clock: self.house.clock.clone(),
            random: self.house.random.clone(),
        };
        let body = format!(
            "grant_type=client_credentials&client_id={client}&client_secret={secret}&audience={}",
            self.house.audience()
        );
        issue::handle(&app, &token_request(&body, &[])).await.unwrap().status() == 200
    }

    async fn created(&self) -> (String, String) {
        let answer = self.ask(create("seed")).await;
        (text(&answer, "clientId"), text(&answer, "clientSecret"))
    }

    async fn rotate(&self, client: &str, request: &str, more: Value) -> Result<Value, AdminError> {
        let mut command =
            json!({ "action": "rotate-secret", "clientId": client, "requestId": request });
        for (name, value) in more.as_object().unwrap() {
            command[name] = value.clone();
        }
        run(&self.app, command).await
    }
}

fn create(request: &str) -> Value {
    json!({
        "action": "create", "requestId": request, "partnerId": PARTNER, "name": "Loan desk",
        "scopes": ["customers:read"], "environment": "sandbox", "allowedSources": [],
    })
}

fn text(answer: &Value, member: &str) -> String {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member} in {answer}")).to_owned()
}

#[tokio::test]
async fn a_created_client_gets_tokens() {
    let desk = Desk::new();
    let answer = desk.ask(create("seed")).await;
    let (client, secret) = (text(&answer, "clientId"), text(&answer, "clientSecret"));
    assert!(client.starts_with("sandbox-") && client.len() == 40, "{client}");
    assert_eq!(answer["partnerId"], PARTNER);
    assert_eq!(answer["created"], true);
    assert!(desk.opens(&client, &secret).await);
    assert!(!desk.opens(&client, "ghs_other").await);
    let stored = desk.app.clients.get(&ClientId::parse(&client).unwrap()).await.unwrap().unwrap();
    let key = stored.usage_key.unwrap();
    assert_eq!(desk.plan.members.lock().unwrap().get(&key.id), Some(&key.value));
    assert_eq!(key.value.len(), 64);
}

#[tokio::test]
async fn a_secret_is_in_one_answer_and_nowhere_else() {
    let desk = Desk::new();
    let (client, secret) = desk.created().await;
    let dump = format!("{:?}", desk.house.database.dump(&desk.house.database.auth()).await);
    assert!(!dump.contains(&secret) && !dump.contains(&secret[4..]));
    let list = desk.ask(json!({ "action": "list", "partnerId": PARTNER })).await;
    assert_eq!(list["clients"][0]["clientId"], *client);
    for answer in [list.to_string(), desk.ask(create("seed")).await.to_string()] {
        assert!(!answer.contains(&secret) && !answer.contains("digest"), "{answer}");
    }
}

#[tokio::test]
async fn a_repeated_creation_creates_nothing() {
    let desk = Desk::new();
    let (client, secret) = desk.created().await;
    let again = desk.ask(create("seed")).await;
    assert_eq!((&again["created"], &again["clientId"]), (&json!(false), &json!(client)));
    assert!(again.get("clientSecret").is_none());
    assert!(desk.opens(&client, &secret).await);
    let mut other = create("seed");
    other["scopes"] = json!("all");
    assert!(matches!(desk.refused(other).await, AdminError::RequestReused));
    let list = desk.ask(json!({ "action": "list", "partnerId": PARTNER })).await;
    assert_eq!(list["clients"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_new_partner_is_made_once_per_request() {
    let desk = Desk::new();
    let mut command = create("first");
    command.as_object_mut().unwrap().remove("partnerId");
    let one = desk.ask(command.clone()).await;
    assert_eq!(desk.ask(command.clone()).await["partnerId"], one["partnerId"]);
    command["requestId"] = json!("second");
    assert_ne!(desk.ask(command.clone()).await["partnerId"], one["partnerId"]);
    command.as_object_mut().unwrap().remove("requestId");
    let unnamed = desk.ask(command.clone()).await;
    assert_ne!(desk.ask(command).await["clientId"], unnamed["clientId"]);
}

#[tokio::test]
async fn a_failing_plan_leaves_nothing_half_made() {
    let desk = Desk::new();
    desk.plan.fail(true);
    assert!(matches!(desk.refused(create("seed")).await, AdminError::Plan(_)));
    desk.plan.fail(false);
    let (client, secret) = desk.created().await;
    assert!(desk.opens(&client, &secret).await);
    assert_eq!(desk.plan.members.lock().unwrap().len(), 1);
    desk.plan.fail(true);
    let revoke = json!({ "action": "revoke", "clientId": client });
    assert!(matches!(desk.refused(revoke.clone()).await, AdminError::Plan(_)));
    assert!(!desk.opens(&client, &secret).await, "revoked although the plan failed");
    desk.plan.fail(false);
    desk.ask(revoke).await;
    assert!(desk.plan.members.lock().unwrap().is_empty());
}

#[tokio::test]
async fn both_secrets_work_during_the_grace_period() {
    let desk = Desk::new();
    let (client, old) = desk.created().await;
    let answer = desk.rotate(&client, "r1", json!({})).await.unwrap();
    let new = text(&answer, "clientSecret");
    assert_eq!(answer["rotated"], true);
    assert_eq!(answer["secrets"][1]["expiresAt"], "2026-03-02T09:00:00Z");
    assert!(desk.opens(&client, &old).await && desk.opens(&client, &new).await);
    desk.house.clock.advance(SignedDuration::from_hours(24));
    assert!(!desk.opens(&client, &old).await);
    assert!(desk.opens(&client, &new).await);
}

#[tokio::test]
async fn a_repeated_rotation_rotates_nothing() {
    let desk = Desk::new();
    let (client, _) = desk.created().await;
    let new = text(&desk.rotate(&client, "r1", json!({})).await.unwrap(), "clientSecret");
    let again = desk.rotate(&client, "r1", json!({})).await.unwrap();
    assert_eq!(again["rotated"], false);
    assert!(again.get("clientSecret").is_none());
    assert!(desk.opens(&client, &new).await);
    // Even after the secret itself was replaced.
    desk.rotate(&client, "r2", json!({ "discard": "previous", "gracePeriodHours": 0 }))
        .await
        .unwrap();
    assert_eq!(desk.rotate(&client, "r1", json!({})).await.unwrap()["rotated"], false);
}

#[tokio::test]
async fn with_two_live_secrets_the_operator_says_which_one_ends() {
    let desk = Desk::new();
    let (client, first) = desk.created().await;
    let lost = text(&desk.rotate(&client, "r1", json!({})).await.unwrap(), "clientSecret");
    let refused = desk.rotate(&client, "r2", json!({})).await.unwrap_err();
    assert!(refused.to_string().contains("2026-03-02T09:00:00Z"), "{refused}");

    let answer = desk.rotate(&client, "r2", json!({ "discard": "latest" })).await.unwrap();
    let second = text(&answer, "clientSecret");
    assert!(!desk.opens(&client, &lost).await);
    assert!(desk.opens(&client, &first).await && desk.opens(&client, &second).await);

    let answer = desk.rotate(&client, "r3", json!({ "discard": "previous" })).await.unwrap();
    let third = text(&answer, "clientSecret");
    assert!(!desk.opens(&client, &first).await);
    assert!(desk.opens(&client, &second).await && desk.opens(&client, &third).await);
}

#[tokio::test]
async fn without_grace_the_old_secret_ends_at_once() {
    let desk = Desk::new();
    let (client, old) = desk.created().await;
    let answer = desk.rotate(&client, "r1", json!({ "gracePeriodHours": 0 })).await.unwrap();
    assert_eq!(answer["secrets"].as_array().unwrap().len(), 1);
    assert!(!desk.opens(&client, &old).await);
    assert!(desk.opens(&client, &text(&answer, "clientSecret")).await);
}

#[tokio::test]
async fn revocation_is_for_good_and_may_be_repeated() {
    let desk = Desk::new();
    let (client, secret) = desk.created().await;
    let revoke = json!({ "action": "revoke", "clientId": client });
    let first = desk.ask(revoke.clone()).await;
    desk.house.clock.advance(SignedDuration::from_hours(1));
    assert_eq!(desk.ask(revoke).await["revokedAt"], first["revokedAt"]);
    assert!(!desk.opens(&client, &secret).await);
    let rotation = desk.rotate(&client, "r1", json!({})).await;
    assert!(matches!(rotation, Err(AdminError::Revoked(_))));
    assert_eq!(desk.ask(create("seed")).await["status"], "revoked", "a repetition revives nothing");
    let stranger = json!({ "action": "revoke", "clientId": "sandbox-0" });
    assert!(matches!(desk.refused(stranger).await, AdminError::NoClient(_)));
    let stranger = desk.rotate("sandbox-0", "r", json!({})).await;
    assert!(matches!(stranger, Err(AdminError::NoClient(_))));
}

#[tokio::test]
async fn tokens_and_further_issuers_clients_are_barred() {
    let desk = Desk::new();
    let further = json!({ "action": "revoke", "clientId": "bank-idp.desk-7" });
    assert_eq!(desk.ask(further.clone()).await, desk.ask(further).await);
    let claims = json!({ "action": "revoke-token", "tokenId": "token-1" });
    assert_eq!(desk.ask(claims.clone()).await, desk.ask(claims).await);
    let key = RevokedTokenKey::new(&desk.house.issuer(), "token-1");
    let client = ClientId::parse("bank-idp.desk-7").unwrap();
    let standing = desk.app.clients.further_standing(&client, &key).await.unwrap();
    assert!(standing.is_barred && standing.is_token_revoked);
    let rows = desk.house.database.dump(&desk.house.database.auth()).await;
    let row = rows.iter().find(|row| store::text(row, "sk") == Some("REVOKED")).unwrap();
    let longest = desk.house.clock.now().as_second() + LIFETIME_SECONDS + 60;
    assert!(store::number(row, "expiresAt").unwrap() >= longest, "outlives every token");
}
