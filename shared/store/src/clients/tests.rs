use super::*;
use crate::testing::TestDatabase;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn partner(last: char) -> PartnerId {
    PartnerId::parse(&format!("11111111-2222-3333-4444-55555555555{last}")).unwrap()
}

fn id(text: &str) -> ClientId {
    ClientId::parse(text).unwrap()
}

fn secret(request: &str) -> StoredSecret {
    StoredSecret {
        request: request.to_owned(),
        digest: format!("digest of {request}"),
        created_at: at("2026-03-01T09:00:00Z"),
        expires_at: None,
    }
}

fn record(client: &str, partner: PartnerId) -> ClientRecord {
    ClientRecord {
        client: id(client),
        partner,
        name: "Loan desk".into(),
        scopes: "customers:read customers:write".into(),
        environment: "sandbox".into(),
        allowed_sources: String::new(),
        secrets: vec![secret("first")],
        status: ClientStatus::Active,
        created_at: at("2026-03-01T09:00:00.123456Z"),
        revoked_at: None,
        version: 1,
        fingerprint: "f".into(),
        rotations: Vec::new(),
        usage_key: None,
    }
}

struct Fixture {
    database: TestDatabase,
    clients: Clients,
}

impl Fixture {
    fn new() -> Self {
        let database = TestDatabase::new();
        let clients = Clients::new(database.auth());
        Self { database, clients }
    }

    async fn with(client: &str) -> (Self, ClientRecord) {
        let fixture = Self::new();
        let record = record(client, partner('5'));
        assert_eq!(fixture.clients.create(&record).await.unwrap(), Creation::Created);
        (fixture, record)
    }

    async fn calls_of<T>(&self, work: impl Future<Output = T>) -> (T, u64) {
        let before = self.database.calls();
        let answer = work.await;
        (answer, self.database.calls() - before)
    }
}

#[tokio::test]
async fn a_client_reads_back_as_it_was_stored() {
    let fixture = Fixture::new();
    let mut stored = record("client-1", partner('5'));
    stored.usage_key = Some(UsageKey { id: "k1".into(), value: "v1".into() });
    stored.secrets[0].expires_at = Some(at("2026-03-02T09:00:00Z"));
    let (created, calls) = fixture.calls_of(fixture.clients.create(&stored)).await;
    assert_eq!((created.unwrap(), calls), (Creation::Created, 1));
    let (found, calls) = fixture.calls_of(fixture.clients.get(&id("client-1"))).await;
    assert_eq!((found.unwrap(), calls), (Some(stored), 1));
    assert_eq!(fixture.clients.get(&id("client-2")).await.unwrap(), None);
}

#[tokio::test]
async fn a_second_create_changes_nothing_and_shows_the_first() {
    let (fixture, first) = Fixture::with("client-1").await;
    let mut second = record("client-1", partner('6'));
    second.name = "Another".into();
    let answer = fixture.clients.create(&second).await.unwrap();
    assert_eq!(answer, Creation::Exists(Box::new(first)));
    assert_eq!(fixture.database.dump(&fixture.database.auth()).await.len(), 2);
}

#[tokio::test]
async fn of_two_rotations_at_once_one_happens() {
    let (fixture, read) = Fixture::with("client-1").await;
    let one = [secret("one"), secret("first")];
    let two = [secret("two"), secret("first")];
    let (winner, calls) =
        fixture.calls_of(fixture.clients.replace_secrets(&read, &one, &["one".into()])).await;
    let winner = winner.unwrap();
    assert_eq!((winner.version, winner.secrets.len(), calls), (2, 2, 1));
    let loser = fixture.clients.replace_secrets(&read, &two, &["two".into()]).await;
    let Err(ReplaceError::Changed(standing)) = loser else { panic!("{loser:?}") };
    assert_eq!(*standing, winner);
    assert_eq!(standing.rotations, ["one"]);
}

#[tokio::test]
async fn a_rotation_never_revives_a_revoked_client() {
    let (fixture, read) = Fixture::with("client-1").await;
    fixture.clients.revoke(&read.client, at("2026-03-01T10:00:00Z")).await.unwrap();
    let rotated = fixture.clients.replace_secrets(&read, &[secret("one")], &[]).await;
    let Err(ReplaceError::Changed(standing)) = rotated else { panic!("{rotated:?}") };
    assert!(!standing.is_active() && standing.secrets.is_empty());
    // Even if the loser looks again and uses the version it finds.
    let again = fixture.clients.replace_secrets(&standing, &[secret("one")], &[]).await;
    assert!(matches!(again, Err(ReplaceError::Changed(_))));
    let stranger = record("client-2", partner('5'));
    let absent = fixture.clients.replace_secrets(&stranger, &[], &[]).await;
    assert!(matches!(absent, Err(ReplaceError::Absent)));
}

#[tokio::test]
async fn revoking_twice_keeps_the_first_time() {
    let (fixture, read) = Fixture::with("client-1").await;
    for time in ["2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z"] {
        let revoked = fixture.clients.revoke(&read.client, at(time)).await.unwrap().unwrap();
        assert_eq!(revoked.status, ClientStatus::Revoked);
        assert_eq!(revoked.revoked_at, Some(at("2026-03-01T10:00:00Z")));
    }
    assert_eq!(
        fixture.clients.revoke(&id("client-2"), at("2026-03-01T10:00:00Z")).await.unwrap(),
        None
    );
    assert_eq!(fixture.clients.get(&id("client-2")).await.unwrap(), None, "nothing was made");
}

#[tokio::test]
async fn the_authorizers_check_is_one_round_trip() {
    let (fixture, read) = Fixture::with("client-1").await;
    let token = RevokedTokenKey::new("https://issuer.test", "token-1");
    let other = RevokedTokenKey::new("https://other.test", "token-1");
    let (now, end) = (at("2026-03-01T10:00:00Z"), at("2026-03-02T10:00:00Z"));

    let (standing, calls) = fixture.calls_of(fixture.clients.standing(&read.client, &token)).await;
    let expected = Standing { client: Some(read), is_barred: false, is_token_revoked: false };
    assert_eq!((standing.unwrap(), calls), (expected, 1));

    for _ in 0..2 {
        fixture.clients.revoke_token(&token, now, end).await.unwrap();
    }
    assert!(fixture.clients.standing(&id("client-1"), &token).await.unwrap().is_token_revoked);
    assert!(!fixture.clients.standing(&id("client-1"), &other).await.unwrap().is_token_revoked);
    let rows = fixture.database.dump(&fixture.database.auth()).await;
    let row = rows.iter().find(|row| text(row, "sk") == Some("REVOKED")).unwrap();
    assert_eq!(crate::number(row, "expiresAt"), Some(end.as_second()));
}

#[tokio::test]
async fn a_client_of_a_further_issuer_can_be_barred() {
    let fixture = Fixture::new();
    let client = id("bank-idp.desk-7");
    let token = RevokedTokenKey::new("https://issuer.test", "token-1");
    let before = fixture.clients.further_standing(&client, &token).await.unwrap();
    assert!(!before.is_barred);
    for _ in 0..2 {
        fixture.clients.bar(&client, at("2026-03-01T10:00:00Z")).await.unwrap();
    }
    assert!(fixture.clients.further_standing(&client, &token).await.unwrap().is_barred);
    assert_eq!(fixture.clients.get(&client).await.unwrap(), None, "a bar is no client");
}

#[tokio::test]
async fn a_list_has_the_partners_own_clients_and_pages() {
    let fixture = Fixture::new();
    for number in 0..(LIST_LIMIT + 3) {
        let record = record(&format!("client-{number:03}"), partner('5'));
        fixture.clients.create(&record).await.unwrap();
    }
    fixture.clients.create(&record("stranger", partner('6'))).await.unwrap();
    let (first, calls) = fixture.calls_of(fixture.clients.list(partner('5'), None)).await;
    let first = first.unwrap();
    assert_eq!((first.clients.len(), calls), (50, 2));
    assert_eq!(first.next, Some(id("client-049")));
    let rest = fixture.clients.list(partner('5'), first.next.as_ref()).await.unwrap();
    let ids: Vec<&str> = rest.clients.iter().map(|client| client.client.as_str()).collect();
    assert_eq!(ids, ["client-050", "client-051", "client-052"]);
    assert_eq!(rest.next, None);
    assert!(fixture.clients.list(partner('7'), None).await.unwrap().clients.is_empty());
}
