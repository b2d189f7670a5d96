//! Erasing a customer takes its applications and accounts along, whatever line the worker dies at.

use std::sync::Arc;

use aws_sdk_dynamodb::types::AttributeValue;
use domain::ekyc::{Address as Home, Contact, Name, Particulars, Subject, SubjectKind};
use domain::ids::{ApplicationId, AuthId};

use super::super::Erasure;
use super::*;
use crate::ekyc::{Ekyc, Place};
use crate::keys::{Key, SessionKey};
use crate::{Expression, Query, Transaction};

fn subject(customer: CustomerId, now: jiff::Timestamp) -> Subject {
    let name = Name {
        title: None,
        given: Text::parse("Ada").unwrap(),
        middle: None,
        family: Text::parse("Winter").unwrap(),
    };
    Subject {
        kind: SubjectKind::Application,
        customer,
        particulars: Particulars { name, contact: Contact::default(), address: Home::default() },
        created_at: now,
        modified_at: now,
        version: 1,
    }
}

/// An application with a session.
async fn apply(world: &World, ekyc: &Ekyc, customer: CustomerId) -> Place {
    let id = ApplicationId::new(&*world.clock, &*world.random);
    let place = Ekyc::application(world.partner, id);
    let mut transaction = Transaction::new();
    let subject = subject(customer, world.clock.now());
    ekyc.put_subject(&mut transaction, &place, &subject, None).await.unwrap();
    transaction.commit(ekyc.table()).await.unwrap();
    let auth = AuthId::new(&*world.clock, &*world.random);
    let mut session = SessionKey::new(world.partner, place.subject.clone(), auth).to_item();
    session.insert("held".to_owned(), AttributeValue::S("something".to_owned()));
    ekyc.table().put(session, Expression::absent()).await.unwrap();
    place
}

async fn left(world: &World, place: &Place) -> usize {
    let pk = format!("P#{}#S#{}", place.partner, place.subject);
    world.customers.table().query_all(&Query::partition(pk)).await.unwrap().len()
}

#[tokio::test]
async fn applications_go_with_their_customer_and_no_others_do() {
    for calls in 0.. {
        let world = World::new();
        let ekyc = Ekyc::new(world.customers.table().clone(), Arc::clone(world.customers.ring()));
        let customer = world.onboard(full_person(), Vec::new()).await.unwrap();
        let other = world.onboard(full_person(), Vec::new()).await.unwrap();
        let mut gone = Vec::new();
        for _ in 0..2 {
            gone.push(apply(&world, &ekyc, customer.id).await);
        }
        let kept = apply(&world, &ekyc, other.id).await;
        let customer = world.customers.get(world.partner, customer.id).await.unwrap().unwrap();
        let erasure = Erasure { customer: &customer, actor: &actor(), now: world.clock.now() };
        let transaction = world.customers.prepare_erasure(&erasure).await.unwrap();
        transaction.commit(world.customers.table()).await.unwrap();

        world.database.cut_after(Some(calls));
        let done = world.customers.purge(world.partner, customer.id).await.is_ok();
        world.database.cut_after(None);
        world.customers.purge(world.partner, customer.id).await.unwrap();
        for place in &gone {
            assert_eq!(left(&world, place).await, 0, "after {calls} calls");
        }
        assert_eq!(left(&world, &kept).await, 2);
        if done {
            assert!(calls > 6, "the cut was felt");
            return;
        }
    }
}
