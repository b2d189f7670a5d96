//! ClearBank: name checks and Faster Payments over its institution API.
//!
//! Invariant: a payment's `X-Request-Id` and end-to-end id are made of its session's id. ClearBank refuses either a second
//! time, so a penny is paid once; and because a refusal then says nothing about the first time, it counts as unknown.
//! Nothing is repeated by itself.

mod signing;
#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use runtime::{FetchError, Received};

use super::check::{NameAnswer, NameCheck, NameQuery};
use super::credentials::{ClearBankAccess, CredentialsError};
use super::http::{Call, Deadlines, Sent, answered, json, name_answer, nonce, penny_outcome, read};
use super::name::AccountKind;
use super::payment::{PaymentQuery, PaymentState, Penny, PennyOutcome, Rejection, Sighting};
use super::provider::{BankProvider, Surroundings};
use crate::Answer;
use signing::SigningKey;

#[cfg(test)]
pub(super) use signing::tests::fresh_key;

/// A check and a payment must fit into the gateway's 29 seconds.
const CHECK_DEADLINE: Duration = Duration::from_secs(9);
const PAY_DEADLINE: Duration = Duration::from_secs(10);
const FIND_DEADLINE: Duration = Duration::from_secs(7);

/// Transactions are looked through from this long before the session's start, or before the end of the last look, up to
/// now: neither a debit nor its return has a latest time, and clocks differ.
const BEFORE: SignedDuration = SignedDuration::from_secs(600);
const SECOND: SignedDuration = SignedDuration::from_secs(1);
const PAGE_SIZE: usize = 100;
/// An account with more than this in that time is not looked through; the answer is then "not known".
const MOST_PAGES: usize = 20;

/// ClearBank's API with one account.
pub struct ClearBank {
    access: ClearBankAccess,
    key: SigningKey,
    surroundings: Surroundings,
    deadlines: Deadlines,
}

impl ClearBank {
    /// The API that `access` is for.
    ///
    /// # Errors
    /// [`CredentialsError::PrivateKey`].
    pub fn new(
        access: ClearBankAccess,
        surroundings: Surroundings,
    ) -> Result<Self, CredentialsError> {
        let key = SigningKey::from_pem(access.private_key.reveal())?;
        let deadlines = Deadlines { check: CHECK_DEADLINE, pay: PAY_DEADLINE, find: FIND_DEADLINE };
        Ok(Self { access, key, surroundings, deadlines })
    }

    async fn send(&self, call: Call<'_>, request_id: &str) -> Sent {
        let authorization = format!("Bearer {}", self.access.token.reveal());
        let signature = if call.body.is_empty() {
            None
        } else {
            Some(self.key.sign(call.body).ok_or(FetchError::Malformed)?)
        };
        let mut own = vec![("authorization", authorization.as_str()), ("x-request-id", request_id)];
        if let Some(signature) = &signature {
            own.push(("digitalsignature", signature));
        }
        call.send(&self.surroundings.http, &self.access.base_url, &own).await
    }

    async fn ask(&self, query: &NameQuery) -> NameAnswer {
        let account = format!("{}{}", query.account.sort_code(), query.account.account_number());
        // Title, initials and name have commas between them, which are required also where the first two are not given.
        let owner = format!(",,{}", query.name.reveal().replace(',', " "));
        let request_id = nonce(&*self.surroundings.random);
        let request = wire::NameRequest {
            scheme_name: "SortCodeAccountNumber",
            legal_owner_type: match query.kind {
                AccountKind::Personal => "Personal",
                AccountKind::Business => "Business",
            },
            identification: &account,
            owner_name: &owner,
            secondary_identification: None,
            end_to_end_identification: &request_id,
        };
        let (path, body) = ("/open-banking/outbound/v1/name-verification", json(&request));
        let call = Call::post(path, &body, self.deadlines.check);
        name_answer(self.send(call, &request_id).await, named)
    }

    async fn pay(&self, penny: &Penny) -> PennyOutcome {
        // Ids have at most 35 characters, so the hyphens go.
        let id = penny.auth.simple().to_string();
        let account = format!("{}{}", penny.account.sort_code(), penny.account.account_number());
        let request = wire::PaymentsRequest {
            payment_instructions: [wire::PaymentInstruction {
                payment_instruction_identification: &id,
                debtor: wire::Debtor { address: &self.access.debtor_address },
                debtor_account: wire::DebtorAccount {
                    identification: wire::Iban { iban: &self.access.debtor_iban },
                },
                credit_transfers: [wire::CreditTransfer {
                    payment_identification: wire::PaymentIdentification {
                        instruction_identification: &id,
                        end_to_end_identification: &id,
                    },
                    amount: wire::ONE_PENNY,
                    creditor: wire::Creditor { name: penny.name.reveal() },
                    creditor_account: wire::CreditorAccount {
                        identification: wire::OtherIdentification {
                            other: wire::Bban {
                                identification: &account,
                                scheme_name: wire::SchemeName { code: "BBAN" },
                            },
                        },
                    },
                    remittance_information: wire::Remittance {
                        structured: wire::Structured {
                            creditor_reference_information: wire::Reference {
                                reference: penny.reference.reveal(),
                            },
                        },
                    },
                }],
            }],
        };
        let request_id = format!("penny-{id}");
        let body = json(&request);
        let call = Call::post("/v3/payments/fps", &body, self.deadlines.pay);
        penny_outcome(self.send(call, &request_id).await, |answer| paid(answer, &id))
    }

    async fn find(&self, query: &PaymentQuery, to: Timestamp) -> PaymentState {
        let id = query.auth.simple().to_string();
        // Once its debit has been seen, what is left is its return: a credit of its own, with the same end-to-end id and
        // its own time.
        let from = query.settled_at.unwrap_or(query.begun_at);
        let from = from.checked_sub(BEFORE).unwrap_or(from);
        let (mut found, complete) = self.entries(&id, from, to).await;
        if found.contains(&PaymentState::Returned) {
            return PaymentState::Returned;
        }
        if !complete {
            // What was seen is true, but a return may stand behind what was not.
            return PaymentState::Unavailable;
        }
        if let (Some(_), Some(payment)) = (query.settled_at, query.payment.clone()) {
            found.push(PaymentState::Settled { payment });
        }
        PaymentState::most_telling(found.into_iter())
    }

    /// What the account's transactions of a time tell of one penny, and whether all of them were looked through.
    async fn entries(&self, id: &str, from: Timestamp, to: Timestamp) -> (Vec<PaymentState>, bool) {
        // Whole seconds are what the API takes, so the last one is looked through to its end.
        let to =
            if to.subsec_nanosecond() > 0 { to.saturating_add(SECOND).unwrap_or(to) } else { to };
        let mut found = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!(
                "/v2/Accounts/{}/Transactions?pageNumber={page}&pageSize={PAGE_SIZE}&startDateTime={}&endDateTime={}",
                self.access.account_id,
                from.strftime("%Y-%m-%dT%H:%M:%SZ"),
                to.strftime("%Y-%m-%dT%H:%M:%SZ"),
            );
            let request_id = nonce(&*self.surroundings.random);
            let sent = self.send(Call::get(&path, self.deadlines.find), &request_id).await;
            let Some(page) = answered::<wire::TransactionsPage>(sent) else {
                return (found, false);
            };
            found.extend(page.transactions.iter().filter_map(|entry| entry.state(id)));
            if page.transactions.len() < PAGE_SIZE {
                return (found, true);
            }
        }
        (found, false)
    }
}

fn named(answer: &Received) -> Option<NameAnswer> {
    let check = match answer.status {
        200 => read::<wire::NameReply>(answer)?.data.verification_report.check(),
        // The bank behind the sort code takes no part.
        422 => NameCheck::NotEnrolled,
        _ => return None,
    };
    Some(NameAnswer { check, id: None })
}

fn paid(answer: &Received, id: &str) -> PennyOutcome {
    match answer.status {
        202 => read::<wire::PaymentsReply>(answer)
            .map_or(PennyOutcome::Unknown, |reply| reply.outcome(id)),
        // A batch of one that is refused whole is answered like a batch; anything else is a request it did not take.
        400 => read::<wire::PaymentsReply>(answer)
            .map_or(PennyOutcome::Rejected(Rejection::Provider), |reply| reply.outcome(id)),
        422 if wire::is_about_the_account(&answer.body) => {
            PennyOutcome::Rejected(Rejection::Account)
        }
        422 | 429 => PennyOutcome::Rejected(Rejection::Provider),
        // 409 among them is a request id that was used: then the penny may be paid.
        _ => PennyOutcome::Unknown,
    }
}

impl BankProvider for ClearBank {
    fn check_name<'a>(&'a self, query: &'a NameQuery) -> Answer<'a, NameAnswer> {
        Box::pin(self.ask(query))
    }

    fn pay_penny<'a>(&'a self, penny: &'a Penny) -> Answer<'a, PennyOutcome> {
        Box::pin(self.pay(penny))
    }

    fn find_payment<'a>(&'a self, query: &'a PaymentQuery) -> Answer<'a, Sighting> {
        Box::pin(async move {
            let seen_to = self.surroundings.clock.now();
            Sighting { state: self.find(query, seen_to).await, seen_to }
        })
    }
}
