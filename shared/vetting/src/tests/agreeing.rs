//! The status and the latest review say the same, whatever persons, scans and runs have made of a customer.

use compliance::review::Code;
use domain::customer::Customer;
use domain::scan::{Decision as ScanDecision, ScanKind};

use super::listed::after_screening;
use super::*;

/// A customer, and what its history says last.
struct Case<'a> {
    world: &'a World,
    customer: Customer,
}

impl<'a> Case<'a> {
    async fn new(world: &'a World, name: &str, outcome: Option<SandboxOutcome>) -> Self {
        let case = Self { world, customer: world.taken_on(name, outcome, "both").await };
        case.latest().await;
        case
    }

    /// The latest review, which agrees with the status.
    async fn latest(&self) -> Review {
        let history = self.world.history(&self.customer).await;
        let latest = history.into_iter().max_by_key(|review| review.number).unwrap();
        assert_eq!(Some(latest.decision), stands_at(&self.customer), "{}", latest.rule);
        latest
    }

    /// Writes what `step` makes of the customer, with a person's decision where there is one, and what that means for the
    /// customer.
    async fn change(
        &mut self,
        decided: Option<Option<Verdict>>,
        step: impl FnOnce(&mut Customer, Timestamp) -> Change,
    ) {
        let (before, now) = (self.customer.clone(), self.world.clock.now());
        let change = step(&mut self.customer, now);
        self.world.write(Some(&before), &self.customer, &change, None).await;
        if let Some(verdict) = decided {
            let (table, mut transaction) = (self.world.customers.table(), Transaction::new());
            let by = "client-1";
            let added =
                add_decision(table, &mut transaction, &self.customer, verdict, by, now).await;
            assert!(added.unwrap().is_some());
            transaction.commit(table).await.unwrap();
        }
        self.customer = self.world.read(&self.customer).await;
    }

    async fn decide(&mut self, verdict: Verdict) {
        let step = |it: &mut Customer, now| it.decide_standing(verdict, now).unwrap();
        self.change(Some(Some(verdict)), step).await;
    }

    async fn settle(&mut self, scan: ScanKind, decision: ScanDecision) {
        let step = |it: &mut Customer, now| it.decide(scan, decision, now).unwrap();
        let mut after = self.customer.clone();
        step(&mut after, self.world.clock.now());
        let verdict = Verdict::implied(self.customer.standing(), after.standing());
        self.change(Some(verdict), step).await;
        self.latest().await;
    }

    async fn refresh(&mut self) -> Review {
        self.change(None, |it, now| it.request_review(now).unwrap()).await;
        self.vet().await
    }

    async fn rename(&mut self, name: &str) -> Review {
        let other = self.world.person(name, None).0.party;
        let step = |it: &mut Customer, now| {
            it.change_party(other, domain::audit::AuditAction::Replace, now).unwrap()
        };
        self.change(None, step).await;
        self.vet().await
    }

    async fn vet(&mut self) -> Review {
        let before = self.customer.clone();
        let vetted = self.world.vet(&before, &mut set("both")).await;
        let (revision, now) = (before.subject_revision, self.world.clock.now());
        let change = self.customer.vetted(revision, &vetted.vetting, now).unwrap();
        self.world.write(Some(&before), &self.customer, &change, Some(&vetted)).await;
        self.customer = self.world.read(&self.customer).await;
        self.latest().await
    }
}

fn codes(review: &Review) -> Vec<Code> {
    review.assessment.watch_list.finding.codes.iter().copied().collect()
}

fn shown(review: &Review) -> usize {
    review.assessment.watch_list.searched.as_ref().unwrap().matches.len()
}

#[tokio::test]
async fn what_a_person_has_cleared_is_shown_and_decides_nothing() {
    let world = World::new();
    let mut case = Case::new(&world, SANCTIONED, None).await;
    case.decide(Verdict::Verified).await;
    case.latest().await;
    for _ in 0..2 {
        let review = case.refresh().await;
        assert_eq!(case.customer.standing(), Standing::Verified);
        assert_eq!((codes(&review), shown(&review)), (vec![Code::G006], 1));
        assert_eq!(review.rule, "all_modules.accept");
    }
    // Another birth date is somebody else.
    let Party::Personal(mut person) = case.customer.party.clone() else { unreachable!() };
    person.profile.birth_date = Some(BirthDate::restore("1988-02-14").unwrap());
    let step = |it: &mut Customer, now| {
        let party = Party::Personal(person);
        it.change_party(party, domain::audit::AuditAction::Replace, now).unwrap()
    };
    case.change(None, step).await;
    let review = case.vet().await;
    assert_eq!(case.customer.ofac.status, ScanStatus::Failed);
    assert_eq!((codes(&review), review.decision), (vec![Code::R180], Decision::Review));
}

/// A match that only the review found would have no scan to be settled in.
#[tokio::test]
async fn the_review_looks_for_the_name_that_the_scans_look_for() {
    let world = World::new();
    let listed = list("ofac-sdn", Topic::Sanctions, "Henrik C. Gunderson");
    let lists = Arc::new(EditionSet::of(vec![listed]));
    for (middle, matches) in [(None, 1), (Some("Olav"), 0)] {
        let (mut customer, _) = world.person("Henrik Gunderson", None);
        let Party::Personal(person) = &mut customer.party else { unreachable!() };
        person.name.middle = middle.map(|middle| Text::parse(middle).unwrap());
        let vetted = world.vet(&customer, &mut Arc::clone(&lists)).await;
        assert_eq!(vetted.vetting.ofac.hits.len(), matches, "{middle:?}");
        assert_eq!(shown(&vetted.review), matches, "{middle:?}");
        assert_eq!(vetted.vetting.verification, Verification::Verified, "{middle:?}");
    }
}

#[tokio::test]
async fn an_open_match_of_an_earlier_name_is_shown_until_a_person_settles_it() {
    let world = World::new();
    let mut case = Case::new(&world, EXPOSED, None).await;
    for _ in 0..2 {
        let review = case.rename("Mira Oduya").await;
        assert_eq!(case.customer.standing(), Standing::Review);
        assert_eq!((codes(&review), shown(&review)), (vec![Code::G007, Code::R184], 1));
        assert_eq!(review.rule, "watch_list.review");
        case.rename("Mira Adeyemi").await;
    }
    // It is the scan's alone: who settles the scan settles the customer.
    assert_eq!(case.customer.verification, Verification::Verified);
    case.settle(ScanKind::PepScan, ScanDecision::Clear).await;
    let review = case.refresh().await;
    assert_eq!((review.decision, shown(&review)), (Decision::Accept, 0));
}

#[tokio::test]
async fn a_confirmed_match_rejects_whoever_runs_again() {
    for outcome in [None, Some(SandboxOutcome::Review)] {
        let world = World::new();
        let mut case = Case::new(&world, SANCTIONED, outcome).await;
        case.settle(ScanKind::Ofac, ScanDecision::Positive).await;
        let review = case.refresh().await;
        assert_eq!(case.customer.standing(), Standing::Rejected);
        assert_eq!(review.rule, "watch_list.reject");
        // It is the scan's alone: should the list withdraw it, a person decides again.
        assert_ne!(case.customer.verification, Verification::Rejected);
        let review = case.rename("Mira Oduya").await;
        assert_eq!((review.decision, shown(&review)), (Decision::Reject, 1));
    }
}

#[tokio::test]
async fn what_a_sandbox_prescribes_is_what_both_say() {
    let world = World::new();
    for outcome in [SandboxOutcome::Verified, SandboxOutcome::Review, SandboxOutcome::Rejected] {
        for name in [SANCTIONED, "Mira Oduya"] {
            Case::new(&world, name, Some(outcome)).await.refresh().await;
        }
    }
}

#[tokio::test]
async fn whom_a_person_rejected_only_a_person_takes_back() {
    let world = World::new();
    let mut case = Case::new(&world, SANCTIONED, None).await;
    case.decide(Verdict::Rejected).await;
    case.latest().await;
    // Neither a name on no list, nor who settles a scan, nor a further run.
    case.rename("Mira Oduya").await;
    case.settle(ScanKind::Ofac, ScanDecision::Clear).await;
    for _ in 0..2 {
        let review = case.refresh().await;
        assert_eq!(case.customer.standing(), Standing::Review);
        assert_eq!(review.rule, "earlier_rejection.review");
    }
    case.decide(Verdict::Verified).await;
    case.latest().await;
    assert_eq!(case.refresh().await.rule, "all_modules.accept");
    assert_eq!(case.customer.standing(), Standing::Verified);
    case.decide_again_after_review().await;
}

impl Case<'_> {
    /// A machine's rejection is none of a person: it is over when its reason is.
    async fn decide_again_after_review(&mut self) {
        self.customer.verification = Verification::Rejected;
        let review = self.refresh().await;
        assert_eq!(review.decision, Decision::Accept);
    }
}

/// What a person confirmed and the list then withdrew goes back to a person, and the history says so.
#[tokio::test]
async fn a_confirmed_match_that_its_list_withdraws_is_a_persons_again() {
    let world = World::new();
    let mut case = Case::new(&world, EXPOSED, None).await;
    case.settle(ScanKind::PepScan, ScanDecision::Positive).await;
    let sanctions = list("ofac-sdn", Topic::Sanctions, SANCTIONED);
    let entities = vec![Entity::new("2", EntityType::Person, "Somebody Else")];
    let info = ListInfo::new("peps", "peps", Topic::Pep);
    let bytes = compile(&[ListEdition { info, entities }]).unwrap();
    let lists = EditionSet::of(vec![sanctions, Index::from_bytes(bytes).unwrap()]);
    let found = screen_customer(&case.customer, &[], &lists, world.vetter.config());
    let now = world.clock.now();
    let after = after_screening(&case.customer, &found, now);
    assert_eq!(
        (after.pep_scan.status, after.standing()),
        (ScanStatus::Reviewing, Standing::Review)
    );
    let entry = world
        .vetter
        .rescreened(&after, &found, (&lists, &world.vetter.latest(&after)), now)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((entry.decision, entry.cause.clone()), (Decision::Review, Cause::Withdrawn));
    assert!(entry.bars());
}
