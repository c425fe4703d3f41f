;; 00  div ebx
(module
 (type $0 (func (param i32)))
 (type $1 (func (param i64 i64 i64)))
 (import "core" "memory" (memory $mimport$0 32 65536 shared))
 (import "core" "faultVector" (global $gimport$0 (mut i32)))
 (import "core" "faultHasCode" (global $gimport$1 (mut i32)))
 (import "core" "faultCode" (global $gimport$2 (mut i32)))
 (import "core" "dispatch" (func $fimport$0 (param i32)))
 (import "core" "bailFrom" (func $fimport$1 (param i64 i64 i64)))
 (export "r0" (func $0))
 (func $0 (param $0 i32)
  (local $1 i64)
  (local $2 i32)
  (local $3 i64)
  (local $4 i64)
  (local $5 i64)
  (local $6 i64)
  (local $7 i64)
  (local $8 i64)
  (drop
   (i32.div_u
    (i32.const 1)
    (local.get $0)
   )
  )
  (local.set $7
   (i64.load offset=524424
    (i32.const 0)
   )
  )
  (local.set $8
   (i64.load offset=524768
    (i32.const 0)
   )
  )
  (local.set $3
   (i64.load offset=524288
    (i32.const 0)
   )
  )
  (local.set $4
   (i64.load offset=524304
    (i32.const 0)
   )
  )
  (local.set $1
   (i64.load offset=524312
    (i32.const 0)
   )
  )
  (return_call $fimport$1
   (block $block (result i64)
    (block $block1
     (local.set $2
      (i32.wrap_i64
       (local.get $1)
      )
     )
     (@metadata.code.branch_hint "\00")
     (if
      (i32.eqz
       (local.get $2)
      )
      (then
       (br $block
        (i64.const 16777248)
       )
      )
     )
     (@metadata.code.branch_hint "\01")
     (if
      (i64.ne
       (i64.shr_u
        (local.tee $6
         (i64.div_u
          (local.tee $5
           (i64.or
            (i64.extend_i32_u
             (i32.wrap_i64
              (local.get $3)
             )
            )
            (i64.shl
             (i64.extend_i32_u
              (i32.wrap_i64
               (local.get $4)
              )
             )
             (i64.const 32)
            )
           )
          )
          (i64.extend_i32_u
           (local.get $2)
          )
         )
        )
        (i64.const 32)
       )
       (i64.const 0)
      )
      (then
       (br $block
        (i64.const 16777248)
       )
      )
     )
     (local.set $5
      (i64.rem_u
       (local.get $5)
       (i64.extend_i32_u
        (local.get $2)
       )
      )
     )
     (local.set $3
      (i64.extend_i32_u
       (i32.wrap_i64
        (local.get $6)
       )
      )
     )
     (local.set $4
      (i64.extend_i32_u
       (i32.wrap_i64
        (local.get $5)
       )
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $7)
       (i64.const 4)
      )
     )
     (br $block
      (i64.const 35188683833408)
     )
     (local.set $8
      (i64.add
       (local.get $8)
       (i64.const 2)
      )
     )
     (br $block1)
     (unreachable)
    )
    (i64.store offset=524288
     (i32.const 0)
     (local.get $3)
    )
    (i64.store offset=524304
     (i32.const 0)
     (local.get $4)
    )
    (i64.store offset=524768
     (i32.const 0)
     (local.get $8)
    )
    (return_call $fimport$0
     (i32.const 0)
    )
   )
   (block (result i64)
    (i64.store offset=524288
     (i32.const 0)
     (local.get $3)
    )
    (i64.store offset=524304
     (i32.const 0)
     (local.get $4)
    )
    (local.get $7)
   )
   (local.get $8)
  )
 )
)
