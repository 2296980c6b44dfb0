//! All models but those over crossbeam-epoch, in one binary, as `ci/loom.sh` runs them: most of what each has to
//! build is the same map. `ci/loom-mutants.sh`, which changes the map again and again, builds one file at a time.
#![cfg(com_loom)]

mod loom_batch;
mod loom_free_fence;
mod loom_held_value;
mod loom_help_absorb;
mod loom_insert_insert;
mod loom_insert_iterate;
mod loom_insert_remove;
mod loom_lane;
mod loom_len;
mod loom_nearest;
mod loom_overwrite_get;
mod loom_pop_absorb;
mod loom_pop_insert;
mod loom_pop_pop;
mod loom_remove_remove;
mod loom_snapshot_write;
mod loom_stopped_writer;
mod loom_update_update;
