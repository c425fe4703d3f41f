;; 00  mov dword [rbx+0x8], eax
(module
 (type $0 (func (param i32)))
 (type $1 (func (param i64 i64 i64)))
 (import "core" "memory" (memory $mimport$0 32 65536 shared))
 (import "core" "faultVector" (global $gimport$0 (mut i32)))
 (import "core" "faultHasCode" (global $gimport$1 (mut i32)))
 (import "core" "faultCode" (global $gimport$2 (mut i32)))
 (import "core" "tlb" (global $gimport$3 (mut i32)))
 (import "core" "generation" (global $gimport$4 (mut i64)))
 (import "core" "dispatch" (func $fimport$0 (param i32)))
 (import "core" "bailFrom" (func $fimport$1 (param i64 i64 i64)))
 (export "r0" (func $0))
 (func $0 (param $0 i32)
  (local $1 i32)
  (local $2 i64)
  (local $3 i64)
  (local $4 i64)
  (local $5 i32)
  (local $6 i32)
  (local $7 i64)
  (local $8 i64)
  (local $9 i64)
  (local $scratch i64)
  (drop
   (i32.div_u
    (i32.const 1)
    (local.get $0)
   )
  )
  (local.set $8
   (i64.load offset=524424
    (i32.const 0)
   )
  )
  (local.set $9
   (i64.load offset=524768
    (i32.const 0)
   )
  )
  (local.set $4
   (i64.load offset=524288
    (i32.const 0)
   )
  )
  (local.set $3
   (i64.load offset=524312
    (i32.const 0)
   )
  )
  (local.set $6
   (global.get $gimport$3)
  )
  (local.set $7
   (global.get $gimport$4)
  )
  (return_call $fimport$1
   (block $block (result i64)
    (block $block1
     (local.set $1
      (i32.const 0)
     )
     (local.set $2
      (i64.const 0)
     )
     (local.set $2
      (block (result i64)
       (local.set $1
        (i32.const 8)
       )
       (local.set $scratch
        (i64.add
         (local.get $3)
         (i64.const 8)
        )
       )
       (local.set $2
        (i64.const 0)
       )
       (local.get $scratch)
      )
     )
     (local.set $5
      (i32.wrap_i64
       (local.get $4)
      )
     )
     (@metadata.code.branch_hint "\01")
     (if
      (i64.eq
       (i64.load offset=8
        (local.tee $1
         (i32.add
          (local.get $6)
          (i32.and
           (i32.wrap_i64
            (i64.shr_u
             (local.get $2)
             (i64.const 7)
            )
           )
           (i32.const 131040)
          )
         )
        )
       )
       (i64.or
        (local.get $7)
        (i64.and
         (i64.add
          (local.get $2)
          (i64.const 3)
         )
         (i64.const -4096)
        )
       )
      )
      (then
       (i32.store
        (i32.add
         (i32.load offset=24
          (local.get $1)
         )
         (i32.wrap_i64
          (local.get $2)
         )
        )
        (local.get $5)
       )
      )
      (else
       (drop
        (local.get $2)
       )
       (drop
        (local.get $5)
       )
       (br $block
        (i64.const 16777248)
       )
      )
     )
     (i64.store offset=524432
      (i32.const 0)
      (i64.add
       (local.get $8)
       (i64.const 5)
      )
     )
     (br $block
      (i64.const 52780869877824)
     )
     (local.set $9
      (i64.add
       (local.get $9)
       (i64.const 2)
      )
     )
     (br $block1)
     (unreachable)
    )
    (i64.store offset=524768
     (i32.const 0)
     (local.get $9)
    )
    (return_call $fimport$0
     (i32.const 0)
    )
   )
   (local.get $8)
   (local.get $9)
  )
 )
)
