//! The store as its callers see it: what was written is read back, generations, several handles, damage, crashes.

mod make;
mod round;
