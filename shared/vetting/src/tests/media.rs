//! Adverse media: what a review and a later screening make of an entry that neither scan of a contract covers.

use serde_json::json;

use super::*;

const NAME: &str = "Mira Oduya";

/// A sanctions list of nobody who matters, and the list of adverse media of one person.
fn lists(named: &str) -> Arc<EditionSet> {
    let media = list("news", Topic::AdverseMedia, named);
    Arc::new(EditionSet::of(vec![list("ofac-sdn", Topic::Sanctions, SANCTIONED), media]))
}

impl World {
    /// Vetted by these lists and written.
    async fn reviewed_by(&self, lists: &Arc<EditionSet>) -> Customer {
        self.reviewed(lists, |_| ()).await
    }

    async fn reviewed(
        &self,
        lists: &Arc<EditionSet>,
        written: impl FnOnce(&mut watch_list::WatchList),
    ) -> Customer {
        let (mut customer, mut change) = self.person(NAME, None);
        let mut vetted = self.vet(&customer, &mut Arc::clone(lists)).await;
        written(vetted.review.assessment.watch_list.searched.as_mut().unwrap());
        customer.reviewed(&vetted.vetting, &mut change);
        self.write(None, &customer, &change, Some(&vetted)).await;
        self.read(&customer).await
    }

    /// What a screening makes of a customer that is not due: whether anything is new, the entry of the history, and the
    /// customer.
    async fn told(
        &self,
        customer: &Customer,
        lists: &Arc<EditionSet>,
    ) -> (bool, Option<Review>, Customer) {
        let (mut after, now) = (customer.clone(), self.clock.now());
        let mut found = screen_customer(customer, &[], lists, self.vetter.config());
        let latest = self.vetter.latest(&after);
        let is_news = self.vetter.weigh_media(&mut after, &mut found, &latest).await.unwrap();
        let media = found.adverse_media.as_ref();
        let (revision, scans) = (after.subject_revision, (&found.ofac, &found.pep_scan));
        let _change = after.screened(revision, scans.0, scans.1, media, now).unwrap();
        let review = self
            .vetter
            .rescreened(&after, &found, (lists, &self.vetter.latest(&after)), now)
            .await
            .unwrap();
        (is_news, review, after)
    }

    async fn set_policy(&self, customer: &Customer, policy: Value, version: u32) {
        let reviews = Reviews::new(self.customers.table().clone());
        let (partner, now) = (customer.partner, self.clock.now());
        reviews.set_policy(partner, &policy, (version, "ops"), now).await.unwrap();
    }
}

#[tokio::test]
async fn a_review_that_finds_it_leaves_it_to_a_person_who_settles_it() {
    let world = World::new();
    let (news, others) = (lists(NAME), lists("Somebody Else"));
    let made = world.reviewed_by(&news).await;
    // Held once, where the list can take it back, and not by the identity as well.
    assert_eq!((made.verification, made.standing()), (Verification::Verified, Standing::Review));
    assert_eq!((made.ofac.status, made.pep_scan.status), (ScanStatus::Clear, ScanStatus::Pending));
    let finding = &world.history(&made).await[0].assessment.watch_list.finding;
    assert!(finding.codes.contains(&Code::R185) && finding.decision == Decision::Review);
    let (is_news, review, same) = world.told(&made, &news).await;
    assert_eq!((is_news, review.is_none(), &same), (false, true, &made), "nothing new tonight");
    let mut decided = made.clone();
    decided.decide_standing(Verdict::Verified, world.clock.now()).unwrap();
    assert_eq!(world.told(&decided, &news).await.2.standing(), Standing::Verified);
    // A further review finds what a person has settled, settled.
    decided.request_review(world.clock.now()).unwrap();
    let vetted = world.vet(&decided, &mut Arc::clone(&news)).await;
    decided.vetted(decided.subject_revision, &vetted.vetting, world.clock.now()).unwrap();
    assert_eq!(decided.standing(), Standing::Verified);

    let made = world.reviewed_by(&others).await;
    assert_eq!(made.standing(), Standing::Verified);
    let (is_news, review, moved) = world.told(&made, &news).await;
    let review = review.unwrap();
    assert_eq!((is_news, moved.standing()), (true, Standing::Review));
    assert_eq!((review.number, &review.cause), (2, &Cause::Listed));
    assert_eq!(review.decision, Decision::Review);
    let named = &review.assessment.watch_list.searched.as_ref().unwrap().matches;
    let [named] = &named[..] else { panic!("one match") };
    assert_eq!((named.code, named.entry.starts_with("news/1@")), (Code::R185, true));
}

/// A screening knows further addresses, by which an entry may match that the review's own search passes over.
#[tokio::test]
async fn what_holds_the_customer_is_named_in_the_review() {
    let world = World::new();
    let made = world.reviewed_by(&lists("Somebody Else")).await;
    let found = screen_customer(&made, &[], &lists(NAME), world.vetter.config());
    // The review's search sees lists without the entry here; the screening has found it.
    let (others, now) = (lists("Third Person"), world.clock.now());
    let review = world
        .vetter
        .rescreened(&made, &found, (&others, &world.vetter.latest(&made)), now)
        .await
        .unwrap()
        .unwrap();
    assert!(review.assessment.watch_list.finding.codes.contains(&Code::R185));
}

#[tokio::test]
async fn a_policy_that_makes_nothing_of_it_moves_nobody() {
    let world = World::new();
    let (news, others) = (lists(NAME), lists("Somebody Else"));
    let (nobody, _) = world.person(NAME, None);
    world.set_policy(&nobody, json!({ "floors": { "R185": "accept" } }), 0).await;
    for by in [&news, &others] {
        let made = world.reviewed_by(by).await;
        assert_eq!((made.standing(), &made.adverse_media), (Standing::Verified, &Scan::clear()));
        let (is_news, _, after) = world.told(&made, &news).await;
        assert_eq!((is_news, &after), (false, &made));
        assert_eq!(world.history(&made).await.len(), 1);
    }
    // The policy of the latest review counts, and another one begins with the next.
    let mut made = world.reviewed_by(&news).await;
    world.set_policy(&made, json!({}), 1).await;
    assert!(!world.told(&made, &news).await.0);
    made.request_review(world.clock.now()).unwrap();
    let vetted = world.vet(&made, &mut Arc::clone(&news)).await;
    made.vetted(made.subject_revision, &vetted.vetting, world.clock.now()).unwrap();
    assert_eq!(made.standing(), Standing::Review);
}

/// Releases before this one kept what they found in the review alone.
#[tokio::test]
async fn what_was_accepted_in_the_latest_review_is_not_asked_again() {
    let world = World::new();
    let news = lists(NAME);
    let made = world.reviewed(&news, |written| written.keeps_media = false).await;
    let stored =
        |verification| Customer { adverse_media: Scan::clear(), verification, ..made.clone() };
    // Named, and nobody has decided yet, whatever the record says.
    for (verification, standing) in [
        (Verification::Verified, Standing::Review),
        (Verification::Review, Standing::Review),
        (Verification::Rejected, Standing::Rejected),
    ] {
        let (is_news, review, after) = world.told(&stored(verification), &news).await;
        assert_eq!((is_news, after.standing()), (true, standing), "{verification}");
        // The history names it already, and hears where the customer stands when it says otherwise.
        let heard = (standing == Standing::Rejected).then_some(Decision::Reject);
        assert_eq!(review.map(|review| review.decision), heard, "{verification}");
    }
    let (table, now) = (world.customers.table(), world.clock.now());
    let mut transaction = Transaction::new();
    add_decision(table, &mut transaction, &made, Some(Verdict::Verified), "client-1", now)
        .await
        .unwrap();
    transaction.commit(table).await.unwrap();
    let (is_news, review, after) = world.told(&stored(Verification::Verified), &news).await;
    assert_eq!((is_news, review.is_none(), after.standing()), (false, true, Standing::Verified));
    // From here on it is kept.
    assert_eq!(after.adverse_media.hits.len(), 1);
    assert_eq!(world.told(&after, &news).await.2, after);
    // An entry that is another by now was not accepted.
    let mut other = Entity::new("1", EntityType::Person, NAME);
    other.remarks = Some("convicted".to_owned());
    let info = ListInfo::new("news", "news", Topic::AdverseMedia);
    let bytes = compile(&[ListEdition { info, entities: vec![other] }]).unwrap();
    let sanctions = list("ofac-sdn", Topic::Sanctions, SANCTIONED);
    let altered = Arc::new(EditionSet::of(vec![sanctions, Index::from_bytes(bytes).unwrap()]));
    let (is_news, review, after) = world.told(&stored(Verification::Verified), &altered).await;
    assert_eq!((is_news, review.is_some(), after.standing()), (true, true, Standing::Review));
}

/// This release keeps what was accepted beside the scans, and forgets it there with what it was accepted of.
#[tokio::test]
async fn what_is_forgotten_is_not_taken_over_from_a_review_of_this_release() {
    let world = World::new();
    let news = lists(NAME);
    let made = world.reviewed_by(&news).await;
    let (table, now) = (world.customers.table(), world.clock.now());
    let mut transaction = Transaction::new();
    add_decision(table, &mut transaction, &made, Some(Verdict::Verified), "client-1", now)
        .await
        .unwrap();
    transaction.commit(table).await.unwrap();
    let forgotten = Customer { adverse_media: Scan::clear(), ..made };
    let (is_news, _, after) = world.told(&forgotten, &news).await;
    assert_eq!((is_news, after.standing()), (true, Standing::Review));
}

/// What a policy says of lists, beside their matches, is said to the status as it is to the review.
#[tokio::test]
async fn a_policy_about_lists_decides_in_review_and_status() {
    let world = World::new();
    let (nobody, _) = world.person(NAME, None);
    // No list of politically exposed persons is configured here.
    world.set_policy(&nobody, json!({ "floors": { "G001": "review" } }), 0).await;
    let made = world.reviewed_by(&lists("Somebody Else")).await;
    let review = &world.history(&made).await[0];
    assert_eq!((review.decision, made.standing()), (Decision::Review, Standing::Review));
    // What a policy lets pass holds nobody beside a match that it does not.
    world.set_policy(&nobody, json!({ "floors": { "R185": "accept" } }), 1).await;
    let both =
        vec![list("news", Topic::AdverseMedia, NAME), list("ofac-sdn", Topic::Sanctions, NAME)];
    let made = world.reviewed_by(&Arc::new(EditionSet::of(both))).await;
    assert_eq!((made.verification, made.standing()), (Verification::Verified, Standing::Review));
}

#[tokio::test]
async fn somebody_without_a_review_is_let_be() {
    let world = World::new();
    let (mut never, _) = world.person(NAME, None);
    // A person has decided about a hit of somebody whom nobody was to review.
    for verification in [Verification::NotAsked, Verification::Verified] {
        never.verification = verification;
        let (is_news, review, after) = world.told(&never, &lists(NAME)).await;
        assert_eq!((is_news, review.is_none()), (false, true));
        assert_eq!(after.adverse_media, Scan::clear());
    }
}

#[tokio::test]
async fn a_query_is_made_only_when_there_is_news() {
    let world = World::new();
    let (news, others) = (lists(NAME), lists("Somebody Else"));
    let made = world.reviewed_by(&others).await;
    let meter = world.customers.table().meter();
    for (lists, queries) in [(&others, 0), (&news, 1)] {
        let mut found = screen_customer(&made, &[], lists, world.vetter.config());
        meter.take();
        let weighed = world
            .vetter
            .weigh_media(&mut made.clone(), &mut found, &world.vetter.latest(&made))
            .await;
        assert_eq!((weighed.unwrap(), meter.take().round_trips), (queries > 0, queries));
    }
}

/// The list has withdrawn it, and the history says so.
#[tokio::test]
async fn what_the_list_withdraws_closes_its_case_and_is_told_to_the_history() {
    let world = World::new();
    let made = world.reviewed_by(&lists(NAME)).await;
    assert_eq!(world.history(&made).await[0].decision, Decision::Review);
    let entities = vec![Entity::new("2", EntityType::Person, "Somebody Else")];
    let info = ListInfo::new("news", "news", Topic::AdverseMedia);
    let bytes = compile(&[ListEdition { info, entities }]).unwrap();
    let sanctions = list("ofac-sdn", Topic::Sanctions, SANCTIONED);
    let without = Arc::new(EditionSet::of(vec![sanctions, Index::from_bytes(bytes).unwrap()]));
    let (_, review, after) = world.told(&made, &without).await;
    let review = review.unwrap();
    assert_eq!((&review.cause, review.decision), (&Cause::Withdrawn, Decision::Accept));
    assert_eq!((after.standing(), &after.adverse_media), (Standing::Verified, &Scan::clear()));
}
