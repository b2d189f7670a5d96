//! Addresses, phones, e-mails, identity documents and beneficial owners: one set of operations for all five kinds.

use domain::contact::{Contact, ContactBody, ContactId, ContactKind};
use domain::customer::{ContactWrite, Customer};
use domain::ids::CustomerId;
use http_api::{Caller, Failure, Operation, Reply, Request};
use runtime::pause;

use crate::app::{App, CUSTOMER, broken, customer_id};
use crate::cos::{self, Mask};
use crate::read::note_read;
use crate::settle::{Attempt, RETRIES, refused, settle};
use crate::update::load;

/// The kind that a route is about, the name of its path parameter, and how a missing one is named.
fn kind_of(operation: Operation) -> Option<(ContactKind, &'static str, &'static str)> {
    use Operation as Op;
    Some(match operation {
        Op::AddressAdd
        | Op::AddressList
        | Op::AddressGet
        | Op::AddressUpdate
        | Op::AddressRemove => (ContactKind::Address, "addressId", "address"),
        Op::PhoneAdd | Op::PhoneList | Op::PhoneGet | Op::PhoneUpdate | Op::PhoneRemove => {
            (ContactKind::Phone, "phoneId", "phone")
        }
        Op::EmailAdd | Op::EmailList | Op::EmailGet | Op::EmailUpdate | Op::EmailRemove => {
            (ContactKind::Email, "emailId", "email")
        }
        Op::IdentificationAdd
        | Op::IdentificationList
        | Op::IdentificationGet
        | Op::IdentificationUpdate
        | Op::IdentificationRemove => {
            (ContactKind::Identification, "identificationId", "identification")
        }
        Op::OwnerAdd | Op::OwnerList | Op::OwnerGet | Op::OwnerUpdate | Op::OwnerRemove => {
            (ContactKind::Owner, "ownerId", "beneficial owner")
        }
        _ => return None,
    })
}

/// Which sub-resource a request is about.
struct Target {
    customer: CustomerId,
    kind: ContactKind,
    parameter: &'static str,
    what: &'static str,
}

impl Target {
    fn of(request: &Request) -> Result<Self, Failure> {
        let (kind, parameter, what) =
            kind_of(request.route.operation).ok_or(Failure::NotFound("resource"))?;
        Ok(Self { customer: customer_id(request)?, kind, parameter, what })
    }

    fn contact(&self, request: &Request) -> Result<ContactId, Failure> {
        request.path(self.parameter, self.what, |text| ContactId::parse(self.kind, text))
    }

    async fn load(
        &self,
        app: &App,
        caller: &Caller,
        id: ContactId,
    ) -> Result<(Customer, Contact), Failure> {
        let found = app.customers.get_with_contact(caller.partner, self.customer, id).await;
        match found.map_err(broken)? {
            None => Err(Failure::NotFound(CUSTOMER)),
            Some((_, None)) => Err(Failure::NotFound(self.what)),
            Some((customer, Some(contact))) => Ok((customer, contact)),
        }
    }

    /// The other owners; nothing else has rules across its siblings.
    async fn siblings(&self, app: &App, caller: &Caller) -> Result<Vec<Contact>, Failure> {
        if self.kind != ContactKind::Owner {
            return Ok(Vec::new());
        }
        app.customers.contacts(caller.partner, self.customer, self.kind).await.map_err(broken)
    }
}

/// `POST /customers/{customerId}/addresses` and its four siblings.
///
/// # Errors
/// [`Failure`].
pub async fn add_contact(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let target = Target::of(request)?;
    let today = cos::today(app.clock.now());
    let asked = request.read(|object| cos::read_contact(object, target.kind, None, today))?;
    settle(app, caller, request, async |now| {
        let before = load(app, caller, target.customer).await?;
        let siblings = target.siblings(app, caller).await?;
        let owner = owner_of(&asked.body);
        let mut after = before.clone();
        let id = ContactId::new(target.kind, &*app.clock, &*app.random);
        let asks = asked.primary == Some(true);
        let change =
            after.add_contact(id, asked.body.clone(), asks, &siblings, now).map_err(refused)?;
        let reply =
            Reply::ok(&cos::contact(written(&change.contacts, target.what)?, Mask::Starred))?;
        Ok(Attempt { owner, ..Attempt::change(Some(before), after, change, reply) })
    })
    .await
}

/// `PUT /customers/{customerId}/addresses/{addressId}` and its four siblings.
///
/// # Errors
/// [`Failure`].
pub async fn update_contact(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let target = Target::of(request)?;
    let id = target.contact(request)?;
    settle(app, caller, request, async |now| {
        let (before, present) = target.load(app, caller, id).await?;
        let today = cos::today(now);
        let asked =
            request.read(|object| cos::read_contact(object, target.kind, Some(&present), today))?;
        let siblings = target.siblings(app, caller).await?;
        let mut after = before.clone();
        let change = after
            .change_contact(&present, asked.body, asked.primary, &siblings, now)
            .map_err(refused)?;
        let contact =
            if change.is_empty() { &present } else { written(&change.contacts, target.what)? };
        let reply = Reply::ok(&cos::contact(contact, Mask::Starred))?;
        Ok(Attempt::change(Some(before), after, change, reply))
    })
    .await
}

/// `DELETE /customers/{customerId}/addresses/{addressId}` and its four siblings; answers what was removed.
///
/// # Errors
/// [`Failure`].
pub async fn remove_contact(
    app: &App,
    caller: &Caller,
    request: &Request,
) -> Result<Reply, Failure> {
    let target = Target::of(request)?;
    let id = target.contact(request)?;
    settle(app, caller, request, async |now| {
        let (before, present) = target.load(app, caller, id).await?;
        let mut after = before.clone();
        let change = after.remove_contact(id, now).map_err(refused)?;
        let reply = Reply::ok(&cos::contact(&present, Mask::Starred))?;
        Ok(Attempt::change(Some(before), after, change, reply))
    })
    .await
}

/// `GET /customers/{customerId}/addresses`, `…/addresses/{addressId}`, and their siblings.
///
/// # Errors
/// [`Failure`].
pub async fn contacts(app: &App, caller: &Caller, request: &Request) -> Result<Reply, Failure> {
    let target = Target::of(request)?;
    let mask = Mask::for_caller(caller);
    for round in 0..=RETRIES {
        if round > 0 {
            pause(round, &*app.random).await;
        }
        let (customer, reply, fields) = if request.route.path.ends_with('}') {
            let id = target.contact(request)?;
            // Boxed: nested futures down to the SDK are deeper than the compiler follows in one type.
            let (customer, contact) = Box::pin(target.load(app, caller, id)).await?;
            let fields = cos::secrets_of_contact(&contact);
            (Some(customer), Reply::ok(&cos::contact(&contact, mask))?, fields)
        } else {
            Box::pin(list(app, caller, request, &target, mask)).await?
        };
        if mask == Mask::Starred || fields.is_empty() {
            return Ok(reply);
        }
        let customer = match customer {
            Some(customer) => customer,
            None => load(app, caller, target.customer).await?,
        };
        if note_read(app, caller, request, &customer, fields).await? {
            return Ok(reply);
        }
    }
    Err(Failure::Conflict)
}

type Listed = (Option<Customer>, Reply, Vec<String>);

async fn list(
    app: &App,
    caller: &Caller,
    request: &Request,
    target: &Target,
    mask: Mask,
) -> Result<Listed, Failure> {
    let paging = cos::Paging::of(request)?;
    let found = app.customers.contacts(caller.partner, target.customer, target.kind).await;
    let found = found.map_err(broken)?;
    if found.is_empty() {
        // No sub-resource and no customer look alike in a query.
        load(app, caller, target.customer).await?;
    }
    let page = paging.slice(&found);
    let mut fields: Vec<String> =
        page.results.iter().flat_map(|c| cos::secrets_of_contact(c)).collect();
    fields.dedup();
    let page = page.map(|contact| cos::contact(contact, mask));
    Ok((None, Reply::ok(&page)?, fields))
}

fn owner_of(body: &ContactBody) -> Option<(CustomerId, &'static str)> {
    match body {
        ContactBody::Owner(owner) => Some((owner.customer, "ownerCustomerId")),
        _ => None,
    }
}

/// The sub-resource that a change wrote.
fn written<'a>(writes: &'a [ContactWrite], what: &'static str) -> Result<&'a Contact, Failure> {
    writes
        .iter()
        .find_map(|write| match write {
            ContactWrite::Add(contact) | ContactWrite::Replace(contact) => Some(contact),
            ContactWrite::Demote(_) | ContactWrite::Remove(_) => None,
        })
        .ok_or(Failure::NotFound(what))
}
