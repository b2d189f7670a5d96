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

use jiff::SignedDuration;
use runtime::{FetchError, Outgoing, Received};
use serde::de::DeserializeOwned;

use super::check::{NameAnswer, NameCheck, NameQuery};
use super::credentials::{ClearBankAccess, CredentialsError};
use super::http::{json, nonce, retry_after};
use super::modulr::most_telling;
use super::name::AccountKind;
use super::payment::{PaymentQuery, PaymentState, Penny, PennyOutcome, Rejection};
use super::provider::{BankProvider, Surroundings};
use crate::Answer;
use signing::SigningKey;

#[cfg(test)]
pub(super) use signing::tests::fresh_key;

/// A check and a payment must fit into the gateway's 29 seconds.
const CHECK_DEADLINE: Duration = Duration::from_secs(9);
const PAY_DEADLINE: Duration = Duration::from_secs(10);
const FIND_DEADLINE: Duration = Duration::from_secs(7);

/// A page of a hundred transactions has some 100 kB.
const MAX_ANSWER: usize = 1024 * 1024;

/// Transactions of this long around the session's start are looked through: a payment is booked within seconds.
const BEFORE: SignedDuration = SignedDuration::from_secs(600);
const AFTER: SignedDuration = SignedDuration::from_secs(1_800);
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

struct Deadlines {
    check: Duration,
    pay: Duration,
    find: Duration,
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

    async fn call(
        &self,
        (method, path): (&str, &str),
        request_id: &str,
        body: &[u8],
        deadline: Duration,
    ) -> Result<Received, FetchError> {
        let url = format!("{}{path}", self.access.base_url);
        let authorization = format!("Bearer {}", self.access.token.reveal());
        let signature = if body.is_empty() {
            None
        } else {
            Some(self.key.sign(body).ok_or(FetchError::Malformed)?)
        };
        let mut headers = vec![
            ("authorization", authorization.as_str()),
            ("x-request-id", request_id),
            ("accept", "application/json"),
        ];
        if let Some(signature) = &signature {
            headers.push(("digitalsignature", signature));
            headers.push(("content-type", "application/json"));
        }
        let request = Outgoing {
            method,
            url: &url,
            headers: &headers,
            body,
            max_bytes: MAX_ANSWER,
            deadline,
        };
        self.surroundings.http.send(request).await
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
        let path = ("POST", "/open-banking/outbound/v1/name-verification");
        let sent = self.call(path, &request_id, &json(&request), self.deadlines.check).await;
        let Ok(answer) = sent else { return NameAnswer::unavailable(None) };
        match answer.status {
            200 => {
                read::<wire::NameReply>(&answer).map_or(NameAnswer::unavailable(None), |reply| {
                    NameAnswer { check: reply.data.verification_report.check(), id: None }
                })
            }
            // The bank behind the sort code takes no part.
            422 => NameAnswer { check: NameCheck::NotEnrolled, id: None },
            _ => NameAnswer::unavailable(retry_after(&answer)),
        }
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
        let path = ("POST", "/v3/payments/fps");
        match self.call(path, &request_id, &json(&request), self.deadlines.pay).await {
            Ok(answer) => paid(&answer, &id),
            Err(FetchError::NotHttps | FetchError::Malformed | FetchError::Unreachable(_)) => {
                PennyOutcome::Rejected(Rejection::NotSent)
            }
            Err(_) => PennyOutcome::Unknown,
        }
    }

    async fn find(&self, query: &PaymentQuery) -> PaymentState {
        let id = query.auth.simple().to_string();
        let from = query.begun_at.checked_sub(BEFORE).unwrap_or(query.begun_at);
        let to = query.begun_at.checked_add(AFTER).unwrap_or(query.begun_at);
        let mut found = Vec::new();
        for page in 1..=MOST_PAGES {
            let path = format!(
                "/v2/Accounts/{}/Transactions?pageNumber={page}&pageSize={PAGE_SIZE}&startDateTime={}&endDateTime={}",
                self.access.account_id,
                from.strftime("%Y-%m-%dT%H:%M:%SZ"),
                to.strftime("%Y-%m-%dT%H:%M:%SZ"),
            );
            let request_id = nonce(&*self.surroundings.random);
            let sent = self.call(("GET", &path), &request_id, &[], self.deadlines.find).await;
            let page: wire::TransactionsPage = match sent {
                Ok(answer) if answer.status == 200 => match read(&answer) {
                    Some(page) => page,
                    None => return PaymentState::Unavailable,
                },
                _ => return PaymentState::Unavailable,
            };
            found.extend(page.transactions.iter().filter_map(|entry| entry.state(&id)));
            if !found.is_empty() || page.transactions.len() < PAGE_SIZE {
                return most_telling(found.into_iter());
            }
        }
        PaymentState::Unavailable
    }
}

fn read<T: DeserializeOwned>(answer: &Received) -> Option<T> {
    serde_json::from_slice(&answer.body).ok()
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

    fn find_payment<'a>(&'a self, query: &'a PaymentQuery) -> Answer<'a, PaymentState> {
        Box::pin(self.find(query))
    }
}
