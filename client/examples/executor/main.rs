//! The C interface from Rust, without any crate: a task that waits and answers.
//!
//! rustc main.rs -l weft -L $(pkg-config --variable=libdir weft) -o main
use std::ffi::{c_char, c_int, c_void, CStr};
use std::ptr::null;

#[repr(C)]
#[derive(Clone, Copy)]
struct WeftResult {
    code: i32,
    reserved: i32,
    value: i64,
    message: [c_char; 112],
}

#[repr(C)]
struct TaskAttr {
    size: u32,
    cpu_priority: u32,
    io_priority: u32,
    reserved: u32,
    code: Option<extern "C" fn(*mut c_void, *mut c_void) -> WeftResult>,
    user: *mut c_void,
}

extern "C" {
    fn weft_executor_create(executor: *mut *mut c_void, attr: *const c_void) -> WeftResult;
    fn weft_executor_run(executor: *mut c_void, max: u64, timeout: *const c_void) -> WeftResult;
    fn weft_executor_destroy(executor: *mut c_void) -> WeftResult;
    fn weft_task_create(task: *mut *mut c_void, attr: *const TaskAttr) -> WeftResult;
    fn weft_task_attach(executor: *mut c_void, task: *mut c_void) -> WeftResult;
    fn weft_task_is_done(task: *mut c_void) -> WeftResult;
    fn weft_task_result(task: *mut c_void) -> WeftResult;
    fn weft_task_destroy(task: *mut c_void) -> WeftResult;
    fn weft_suspend_for_duration(context: *mut c_void, nanoseconds: u64) -> WeftResult;
}

extern "C" fn twice(context: *mut c_void, user: *mut c_void) -> WeftResult {
    let mut result = unsafe { weft_suspend_for_duration(context, 1_000_000) };
    if result.code == 0 {
        result.value = 2 * unsafe { *(user as *const i64) };
    }
    result
}

fn check(result: WeftResult) -> Result<i64, String> {
    match result.code {
        0 => Ok(result.value),
        code => {
            let message = unsafe { CStr::from_ptr(result.message.as_ptr()) };
            Err(format!("{}: {}", code as c_int, message.to_string_lossy()))
        }
    }
}

fn main() -> Result<(), String> {
    let mut number: i64 = 21;
    let attr = TaskAttr {
        size: std::mem::size_of::<TaskAttr>() as u32,
        cpu_priority: 0,
        io_priority: 0,
        reserved: 0,
        code: Some(twice),
        user: &mut number as *mut i64 as *mut c_void,
    };
    let mut executor: *mut c_void = std::ptr::null_mut();
    let mut task: *mut c_void = std::ptr::null_mut();
    unsafe {
        check(weft_executor_create(&mut executor, null()))?;
        check(weft_task_create(&mut task, &attr))?;
        check(weft_task_attach(executor, task))?;
        while check(weft_task_is_done(task))? == 0 {
            check(weft_executor_run(executor, 64, null()))?;
        }
        println!("result {}", check(weft_task_result(task))?);
        check(weft_task_destroy(task))?;
        check(weft_executor_destroy(executor))?;
    }
    Ok(())
}
