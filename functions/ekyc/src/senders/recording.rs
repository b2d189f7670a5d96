//! A sender for tests, which remembers what it was given.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use domain::ekyc::Channel;

use super::{Message, PasscodeSender, SendError, Sent};
use crate::Answer;

/// One message as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) channel: Channel,
    pub(crate) destination: String,
    pub(crate) code: String,
    pub(crate) locale: Option<String>,
}

/// Takes every message, unless told otherwise.
#[derive(Default)]
pub(crate) struct Recording {
    taken: Mutex<Vec<Recorded>>,
    failures: Mutex<VecDeque<SendError>>,
    meanwhile: Mutex<VecDeque<Answer<'static, ()>>>,
    /// How often a pause stood in for a message.
    pub(crate) paced: AtomicUsize,
}

impl Recording {
    /// Everything so far.
    pub(crate) fn all(&self) -> Vec<Recorded> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last code.
    pub(crate) fn last_code(&self) -> Option<String> {
        self.all().pop().map(|message| message.code)
    }

    /// What happens while the next message is under way.
    pub(crate) fn meanwhile(&self, happens: impl Future<Output = ()> + Send + 'static) {
        let mut waiting = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.push_back(Box::pin(happens));
    }

    /// Lets the next message fail so. One that may have been sent is recorded as well.
    pub(crate) fn fail_next(&self, error: SendError) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push_back(error);
    }
}

impl PasscodeSender for Recording {
    fn send<'a>(&'a self, message: Message<'a>) -> Answer<'a, Result<Sent, SendError>> {
        let failure = self.failures.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(failure, None | Some(SendError::Unknown(_))) {
            taken.push(Recorded {
                channel: message.channel,
                destination: message.destination.reveal().to_owned(),
                code: message.code.reveal().to_owned(),
                locale: message.locale.map(str::to_owned),
            });
        }
        let message_id = format!("message-{}", taken.len());
        let happens = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        Box::pin(async move {
            if let Some(happens) = happens {
                happens.await;
            }
            failure.map_or(Ok(Sent { message_id }), Err)
        })
    }

    fn pace(&self, _: Channel) -> Answer<'_, ()> {
        self.paced.fetch_add(1, Ordering::SeqCst);
        Box::pin(std::future::ready(()))
    }
}
