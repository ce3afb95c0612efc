//! The store as its callers see it: what was written is read back, generations, several handles, damage, crashes.

mod crash;
mod damage;
mod fake;
mod handles;
mod kill;
mod make;
mod round;
