//! What a `compute` is asked to do, and what it did.

/// What the closure of [`Pinned::compute`](crate::Pinned::compute) wants done with its key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Compute<V, T> {
    /// The key is to have this value, whether it had one or not.
    Insert(V),
    /// The key is to be absent.
    Remove,
    /// Everything is to stay as it is, and the caller gets this.
    Abort(T),
}

/// What a [`compute`](crate::Pinned::compute) came to.
///
/// `R` is `&V` where a session answers, and an owned `V` where the map does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Computed<R, T> {
    /// The key was absent and has this value now.
    Inserted(R),
    /// The key had a value and has another now.
    Updated {
        /// The value that was replaced.
        old: R,
        /// The value that replaced it.
        new: R,
    },
    /// The key is absent now. It had this value, or was absent before.
    Removed(Option<R>),
    /// Nothing was changed.
    Aborted(T),
}

impl<R, T> Computed<R, T> {
    /// Applies a function to each value.
    ///
    /// ```
    /// use concurrent_ordered_map::Computed;
    ///
    /// let computed: Computed<&str, ()> = Computed::Inserted("seven");
    /// assert_eq!(computed.map(str::len), Computed::Inserted(5));
    /// ```
    pub fn map<S>(self, mut f: impl FnMut(R) -> S) -> Computed<S, T> {
        match self {
            Self::Inserted(new) => Computed::Inserted(f(new)),
            Self::Updated { old, new } => Computed::Updated { old: f(old), new: f(new) },
            Self::Removed(old) => Computed::Removed(old.map(f)),
            Self::Aborted(answer) => Computed::Aborted(answer),
        }
    }

    /// The value that the key has now, if the call gave it one.
    pub fn new_value(self) -> Option<R> {
        match self {
            Self::Inserted(new) | Self::Updated { new, .. } => Some(new),
            Self::Removed(_) | Self::Aborted(_) => None,
        }
    }

    /// The value that the call took from the key, if it took one.
    pub fn old_value(self) -> Option<R> {
        match self {
            Self::Updated { old, .. } => Some(old),
            Self::Removed(old) => old,
            Self::Inserted(_) | Self::Aborted(_) => None,
        }
    }
}
