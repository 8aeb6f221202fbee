use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

/// How many are kept at most; most take some 10 KB.
const MOST: usize = 256;

/// What was compiled out of schemas, of each the newest version.
#[derive(Debug)]
pub struct Cache<K, V> {
    held: Mutex<HashMap<K, (i64, Arc<V>)>>,
}

impl<K, V> Default for Cache<K, V> {
    fn default() -> Self {
        Self { held: Mutex::default() }
    }
}

impl<K: Clone + Eq + Hash, V> Cache<K, V> {
    /// What was compiled out of this version.
    pub fn get(&self, key: &K, version: i64) -> Option<Arc<V>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(key).filter(|(kept, _)| *kept == version).map(|(_, compiled)| Arc::clone(compiled))
    }

    /// Keeps what was compiled out of this version.
    pub fn put(&self, key: &K, version: i64, compiled: V) -> Arc<V> {
        let compiled = Arc::new(compiled);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST && !held.contains_key(key) {
            held.clear();
        }
        held.insert(key.clone(), (version, Arc::clone(&compiled)));
        compiled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_is_kept_and_never_too_many() {
        let cache = Cache::default();
        cache.put(&1, 1, "one");
        assert_eq!(cache.get(&1, 1).as_deref(), Some(&"one"));
        cache.put(&1, 2, "two");
        assert_eq!((cache.get(&1, 1), cache.get(&1, 2).as_deref()), (None, Some(&"two")));
        for key in 2..1000 {
            cache.put(&key, 1, "");
        }
        assert_eq!(cache.get(&1, 2), None);
    }
}
