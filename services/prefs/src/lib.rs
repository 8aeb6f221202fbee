//! Preferences: namespaces with schemas, a layer for every user.
