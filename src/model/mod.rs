//! The vocabulary: canonical billing rows, money, time, and what can be asked of them.
//! Pure values and arithmetic: no I/O, no async, no vendor's column names, no Arrow, no Grafana.

mod cost;
mod count;
mod market;
mod metric;
mod money;
mod rows;
mod stop;
mod table;
mod time;

pub use cost::{ALL_NUMBERS, ALL_TEXTS, Number, Text};
pub use count::grouped;
pub use market::{NO_REGION, UNKNOWN_MARKET, builtin_market};
pub use metric::{Dimension, Metric};
pub use money::{Amount, AmountError, Currency, MAX_INTEGER_DIGITS, Overflow, SCALE, Totals, power_of_ten};
pub use rows::{Coded, NULL, Rejects, Repairs, Rows, Tally};
pub use stop::Stop;
pub use table::{Sums, Table, Times};
pub use time::{Calendar, Clock, DAY, Day, FixedClock, Grain, HOUR, Instant, Month, Period, SECOND, SystemClock};
