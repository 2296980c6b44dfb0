//! Eight bytes of a key that decide most comparisons without touching the key.
//!
//! A hint is monotone: `a <= b` implies `hint(a) <= hint(b)`, so different hints order their keys.
//! For keys of at most eight bytes with a known order the hint is the whole key ("exact"), and equal
//! hints mean equal keys. Only types whose `Ord` is known here have such hints; every other key is
//! compared by its own `Ord`, and its slots have labels (`label.rs`).
//!
//! Of a string the first eight bytes say little where many begin alike. So each block has a *prefix*, which
//! the strings that it was born with share, and its slots hold hints of what comes after that. Hints of
//! strings are comparable only if they are of one prefix; the empty prefix serves where blocks meet. (Bayer
//! and Unterauer, "Prefix B-trees", 1977.)

use std::any::TypeId;
use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::marker::PhantomData;
use std::sync::Arc;

/// How much the hint of a type tells.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Nothing: the type is not known here.
    None,
    /// Equal hints mean equal keys.
    Exact,
    /// The leading bits of a longer key.
    Number,
    /// The first eight bytes of a string. All string types share one order.
    Text,
    /// The first eight bytes of a byte string. All byte-string types share one order.
    Bytes,
}

fn is<T: ?Sized, U: ?Sized + 'static>() -> bool {
    typeid::of::<T>() == TypeId::of::<U>()
}

macro_rules! one_of {
    ($t:ty: $($u:ty),+ $(,)?) => { $( is::<$t, $u>() )||+ };
}

/// The optimiser folds this to a constant for each `T`: type ids are known when it is instantiated.
#[inline]
fn kind<T: ?Sized>() -> Kind {
    if one_of!(T: u8, u16, u32, u64, usize, i8, i16, i32, i64, isize, char, bool) {
        Kind::Exact
    } else if one_of!(T: u128, i128) {
        Kind::Number
    } else if one_of!(T: String, str, &'static str, Box<str>, Arc<str>, Cow<'static, str>) {
        Kind::Text
    } else if one_of!(T: Vec<u8>, [u8], &'static [u8], Box<[u8]>, Arc<[u8]>) {
        Kind::Bytes
    } else {
        Kind::None
    }
}

/// Views `value` as the type `U` that `T` has been found to be.
///
/// # Safety
/// `T` and `U` are the same type but for lifetimes (I7: their type ids are equal).
unsafe fn view<T: ?Sized, U>(value: &T) -> &U {
    // SAFETY: the caller vouches that T is U, which is sized, so the reference is thin and fits.
    unsafe { &*std::ptr::from_ref(value).cast::<U>() }
}

/// The first eight bytes as a number, with zeros for those that are missing.
fn head(bytes: &[u8]) -> u64 {
    if let Some(head) = bytes.first_chunk::<8>() {
        return u64::from_be_bytes(*head);
    }
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_be_bytes(word)
}

/// The hint of a string after a prefix. What is less than all strings with the prefix has the least hint, what
/// is greater the greatest.
fn head_after(prefix: &[u8], bytes: &[u8]) -> u64 {
    let shared = bytes.len().min(prefix.len());
    match bytes[..shared].cmp(&prefix[..shared]) {
        Ordering::Less => 0,
        Ordering::Greater => u64::MAX,
        Ordering::Equal => bytes.get(prefix.len()..).map_or(0, head),
    }
}

/// The longest prefix that a block can have.
const LONGEST: usize = u8::MAX as usize;
/// How many of the shared bytes are left to the hints, as the next strings may differ there.
const SLACK: usize = 2;

/// The prefix for a block of strings of which these are the least and the greatest; empty for other types.
pub(super) fn shared_prefix<'k, K>(least: &'k K, greatest: &K) -> &'k [u8] {
    let (Some(least), Some(greatest)) = (bytes(least), bytes(greatest)) else { return &[] };
    let shared = least.iter().zip(greatest).take_while(|(one, other)| one == other).count();
    &least[..shared.saturating_sub(SLACK).min(LONGEST)]
}

/// The bytes of a string or a byte string, by which it is ordered; `None` for other types.
#[inline]
fn bytes<T: ?Sized>(key: &T) -> Option<&[u8]> {
    macro_rules! as_type {
        ($($u:ty => $convert:expr),+ $(,)?) => { $(
            if is::<T, $u>() {
                // SAFETY: I7, the type ids of T and U are equal.
                let key = unsafe { view::<T, $u>(key) };
                let convert: for<'k> fn(&'k $u) -> &'k [u8] = $convert;
                return Some(convert(key));
            }
        )+ };
    }
    as_type!(
        String => |key| key.as_bytes(),
        &'static str => |key| key.as_bytes(),
        Box<str> => |key| key.as_bytes(),
        Arc<str> => |key| key.as_bytes(),
        Cow<'static, str> => |key| key.as_bytes(),
        Vec<u8> => |key| key,
        &'static [u8] => |key| key,
        Box<[u8]> => |key| key,
        Arc<[u8]> => |key| key,
    );
    if one_of!(T: str, [u8]) {
        // SAFETY: I7, T is `str` or `[u8]`: its memory is exactly `size_of_val` initialized bytes.
        return Some(unsafe {
            std::slice::from_raw_parts(std::ptr::from_ref(key).cast::<u8>(), size_of_val(key))
        });
    }
    None
}

/// Shifts signed numbers into unsigned order.
const SIGN: u64 = 1 << 63;

/// The hint of a number; 0, which decides nothing, for other types.
#[inline]
#[expect(clippy::cast_sign_loss, reason = "signed numbers are shifted into unsigned order")]
fn number<T: ?Sized>(key: &T) -> u64 {
    macro_rules! as_type {
        ($($u:ty => $convert:expr),+ $(,)?) => { $(
            if is::<T, $u>() {
                // SAFETY: I7, the type ids of T and U are equal.
                let key = unsafe { view::<T, $u>(key) };
                #[allow(clippy::redundant_closure_call, reason = "a macro's way to name the key")]
                return ($convert)(key);
            }
        )+ };
    }
    as_type!(
        u64 => |key: &u64| *key,
        u32 => |key: &u32| u64::from(*key),
        usize => |key: &usize| *key as u64,
        i64 => |key: &i64| (*key as u64) ^ SIGN,
        i32 => |key: &i32| (i64::from(*key) as u64) ^ SIGN,
        u16 => |key: &u16| u64::from(*key),
        u8 => |key: &u8| u64::from(*key),
        i16 => |key: &i16| (i64::from(*key) as u64) ^ SIGN,
        i8 => |key: &i8| (i64::from(*key) as u64) ^ SIGN,
        isize => |key: &isize| (*key as u64) ^ SIGN,
        char => |key: &char| u64::from(*key),
        bool => |key: &bool| u64::from(*key),
        u128 => |key: &u128| (*key >> 64) as u64,
        i128 => |key: &i128| ((*key >> 64) as u64) ^ SIGN,
    );
    0
}

/// What tells the hint of an exact key from the key extended to eight bytes, by exclusive or; 0 for others.
#[inline]
pub(super) fn bias<T: ?Sized>() -> u64 {
    if one_of!(T: i8, i16, i32, i64, isize) { SIGN } else { 0 }
}

/// True if hints are whole keys.
#[inline]
pub(super) fn is_exact<T: ?Sized>() -> bool {
    kind::<T>() == Kind::Exact
}

/// True of plain numbers of at most the size of a word: they may be copied, and nothing in them changes behind
/// a shared reference.
#[inline]
pub(super) fn is_plain<T: ?Sized>() -> bool {
    let wide = size_of::<*mut ()>() == size_of::<u64>();
    one_of!(T: (), u8, u16, u32, usize, i8, i16, i32, isize, f32, char, bool)
        || wide && one_of!(T: u64, i64, f64)
}

/// True if blocks of such keys have prefixes.
#[inline]
pub(super) fn is_text<K>() -> bool {
    matches!(kind::<K>(), Kind::Text | Kind::Bytes)
}

/// True if slots of such keys have labels for hints: their order is not known here, and comparing them calls
/// an `Ord` of the user's.
#[inline]
pub(super) fn has_labels<K>() -> bool {
    kind::<K>() == Kind::None
}

/// The hint under which a block with this prefix files a key of known order.
#[inline]
pub(super) fn hint<T: ?Sized>(prefix: &[u8], key: &T) -> u64 {
    match bytes(key) {
        Some(bytes) if prefix.is_empty() => head(bytes),
        Some(bytes) => head_after(prefix, bytes),
        None => number(key),
    }
}

/// True if hints of keys of type K and of needles of type Q tell their order. A constant for each K and Q.
#[inline]
fn comparable<K, Q: ?Sized>() -> bool {
    match kind::<K>() {
        Kind::None => false,
        Kind::Exact | Kind::Number => typeid::of::<K>() == typeid::of::<Q>(),
        Kind::Text | Kind::Bytes => kind::<Q>() == kind::<K>(),
    }
}

/// A key that is being looked for, with its hint where the two types agree on an order.
pub(super) struct Needle<'q, K, Q: ?Sized> {
    key: &'q Q,
    hint: u64,
    of: PhantomData<fn(&K)>,
}

impl<'q, K: Borrow<Q>, Q: Ord + ?Sized> Needle<'q, K, Q> {
    #[inline]
    pub(super) fn new(key: &'q Q) -> Self {
        Self { key, hint: if comparable::<K, Q>() { hint(&[], key) } else { 0 }, of: PhantomData }
    }

    /// The hint after a prefix. `None`: compare keys. K may be unknown, or Q may be a type that hints cannot
    /// speak for.
    #[inline]
    pub(super) fn hint(&self, prefix: &[u8]) -> Option<u64> {
        let known = !is_text::<K>() || prefix.is_empty();
        comparable::<K, Q>().then(|| if known { self.hint } else { hint(prefix, self.key) })
    }

    /// True if this is the needle's key, given that their hints are equal, if there are any.
    #[inline]
    pub(super) fn is<'k>(&self, key: impl FnOnce() -> &'k K) -> bool
    where
        K: 'k,
    {
        // Equal hints mean equal keys.
        let exact = comparable::<K, Q>() && is_exact::<K>();
        exact || self.key.cmp(key().borrow()).is_eq()
    }

    /// Orders the needle against a key.
    pub(super) fn cmp_key(&self, key: &K) -> Ordering {
        self.key.cmp(key.borrow())
    }

    /// Orders the needle against a key given by its hint after the empty prefix and, where that ties, by
    /// itself.
    #[inline]
    pub(super) fn cmp<'k>(&self, hint: u64, key: impl FnOnce() -> &'k K) -> Ordering
    where
        K: 'k,
    {
        match self.hint(&[]) {
            Some(own) if own != hint => own.cmp(&hint),
            // Equal hints mean equal keys.
            Some(_) if is_exact::<K>() => Ordering::Equal,
            _ => self.key.cmp(key().borrow()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Needle, hint, kind, shared_prefix};
    use std::cmp::Ordering;

    fn monotone<K: Ord>(mut keys: Vec<K>) {
        keys.sort();
        assert!(keys.is_sorted_by_key(|key| hint(&[], key)), "a hint is out of order");
        for pair in keys.windows(2).filter(|_| kind::<K>() == Kind::Exact) {
            assert_eq!(pair[0] == pair[1], hint(&[], &pair[0]) == hint(&[], &pair[1]));
        }
    }

    #[test]
    fn hints_keep_the_order_of_their_keys() {
        monotone(vec![0, 1, i64::MIN, i64::MAX, -1, 77]);
        monotone(vec![0, 1, i8::MIN, i8::MAX, -1]);
        monotone(vec![0, 1, i128::MIN, i128::MAX, -1, 1 << 64, 1 << 100]);
        monotone(vec![0, 1, u64::MAX, 1 << 40]);
        monotone(vec!['a', '\0', char::MAX, 'ß']);
        monotone(vec![false, true]);
        let words = ["", "a", "\0", "\0\0", "ab", "abcdefgh", "abcdefghi", "abcdefgi", "ÿ"];
        monotone(words.map(String::from).to_vec());
        monotone(words.to_vec());
        monotone(words.map(|word| word.as_bytes().to_vec()).to_vec());
    }

    #[test]
    fn hints_after_a_prefix_keep_the_order_of_their_keys() {
        let mut words = ["", "a", "ab", "ab\0", "aba", "abcdefghij", "abz", "ac", "b", "ÿ"];
        words.sort_unstable();
        for prefix in ["", "a", "ab", "aba", "abcdefghijk", "c"] {
            let hints: Vec<_> = words.iter().map(|word| hint(prefix.as_bytes(), word)).collect();
            assert!(hints.is_sorted(), "{prefix}: {hints:?}");
        }
        assert_eq!(hint(b"ab", &"abc"), u64::from(b'c') << 56, "what comes after the prefix");
        assert_eq!(hint(b"ab", &"aa"), 0);
        assert_eq!(hint(b"ab", &"b"), u64::MAX);
    }

    #[test]
    fn a_prefix_is_shared_and_leaves_some_bytes_to_the_hints() {
        assert_eq!(shared_prefix(&"user:1000", &"user:1999"), b"user");
        assert_eq!(shared_prefix(&"a", &"b"), b"");
        assert_eq!(shared_prefix(&1_u64, &2), b"");
        let long = "x".repeat(1_000);
        assert_eq!(shared_prefix(&long, &long).len(), 255);
    }

    #[test]
    fn borrowed_forms_share_the_hint_of_the_key() {
        let needle = Needle::<String, str>::new("concurrent");
        assert_eq!(needle.hint(&[]), Some(hint(&[], &String::from("concurrent"))));
        assert_eq!(needle.hint(b"con"), Some(hint(b"con", &String::from("concurrent"))));
        let bytes: &[u8] = b"ordered";
        assert_eq!(Needle::<Vec<u8>, [u8]>::new(bytes).hint(&[]), Some(hint(&[], &bytes.to_vec())));
    }

    #[test]
    fn unknown_types_are_compared_by_their_own_order() {
        #[derive(PartialEq, Eq, PartialOrd, Ord)]
        struct Wrapper(u64);
        impl std::borrow::Borrow<u64> for Wrapper {
            fn borrow(&self) -> &u64 {
                &self.0
            }
        }
        assert_eq!(hint(&[], &Wrapper(7)), 0);
        // The slots of a `Wrapper` map have no hints, so a needle must not compare by one.
        let needle = Needle::<Wrapper, u64>::new(&7_u64);
        assert_eq!(needle.hint(&[]), None);
        assert_eq!(needle.cmp(0, || &Wrapper(9)), Ordering::Less);
    }
}
