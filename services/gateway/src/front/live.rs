use std::{net::IpAddr, sync::Arc};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::Front;

/// The front that is in force. A clone is the same one.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    front: Arc<ArcSwap<Front>>,
    swapped: Arc<Notify>,
}

impl Live {
    pub(crate) fn new(front: Front) -> Self {
        Self { front: Arc::new(ArcSwap::from_pointee(front)), swapped: Arc::default() }
    }

    /// What is in force now.
    pub(crate) fn front(&self) -> Arc<Front> {
        self.front.load_full()
    }

    /// Puts another one in force, in one step: whoever asks from now on gets that one.
    pub(crate) fn swap(&self, front: Front) {
        self.front.store(Arc::new(front));
        self.swapped.notify_one();
    }

    /// Ends when another one has come in force since this ended last. One may wait.
    pub(crate) async fn swapped(&self) {
        self.swapped.notified().await;
    }

    /// How many connections an address may hold; `None` for any number.
    pub(crate) fn connections(&self, address: IpAddr) -> Option<usize> {
        let front = self.front.load();
        (!front.door.is_trusted_proxy(address)).then_some(front.connections_per_address)
    }
}
