;; 00  dec ecx
;; 02  jne 0x0
(module
 (type $0 (func (param i32)))
 (import "core" "memory" (memory $mimport$0 32 65536 shared))
 (import "core" "flagOp" (global $gimport$0 (mut i32)))
 (import "core" "flagA" (global $gimport$1 (mut i64)))
 (import "core" "flagB" (global $gimport$2 (mut i64)))
 (import "core" "dispatch" (func $fimport$0 (param i32)))
 (export "r0" (func $0))
 (func $0 (param $0 i32)
  (local $1 i64)
  (local $2 i64)
  (local $3 i64)
  (local $4 i64)
  (local $5 i64)
  (local $6 i64)
  (local $7 i32)
  (local $8 i32)
  (local $9 i32)
  (local $10 i32)
  (local $11 i64)
  (local $12 i64)
  (drop
   (i32.div_u
    (i32.const 1)
    (local.get $0)
   )
  )
  (local.set $2
   (i64.load offset=524424
    (i32.const 0)
   )
  )
  (local.set $1
   (i64.load offset=524768
    (i32.const 0)
   )
  )
  (local.set $6
   (i64.load offset=524296
    (i32.const 0)
   )
  )
  (local.set $9
   (global.get $gimport$0)
  )
  (local.set $11
   (global.get $gimport$1)
  )
  (local.set $12
   (global.get $gimport$2)
  )
  (block $block
   (loop $label
    (@metadata.code.branch_hint "\00")
    (if
     (i32.or
      (i32.load offset=524756
       (i32.const 0)
      )
      (i64.gt_u
       (i64.add
        (local.get $1)
        (i64.const 2)
       )
       (i64.load offset=524448
        (i32.const 0)
       )
      )
     )
     (then
      (i64.store offset=524432
       (i32.const 0)
       (local.get $2)
      )
      (br $block)
     )
    )
    (local.set $3
     (i64.const 0)
    )
    (local.set $4
     (i64.const 0)
    )
    (local.set $5
     (i64.const 0)
    )
    (local.set $8
     (i32.add
      (local.tee $7
       (i32.wrap_i64
        (local.get $6)
       )
      )
      (i32.const -1)
     )
    )
    (local.set $12
     (i64.extend_i32_u
      (i32.or
       (i32.or
        (i32.ne
         (if (result i32)
          (i32.eq
           (local.tee $10
            (i32.and
             (local.get $9)
             (i32.const 255)
            )
           )
           (i32.const 2)
          )
          (then
           (i64.lt_u
            (local.get $11)
            (local.get $12)
           )
          )
          (else
           (if (result i32)
            (i32.le_u
             (local.get $10)
             (i32.const 1)
            )
            (then
             (i32.wrap_i64
              (i64.and
               (local.get $12)
               (i64.const 1)
              )
             )
            )
            (else
             (block $block1 (result i32)
              (drop
               (br_if $block1
                (i64.gt_u
                 (local.tee $4
                  (i64.shl
                   (local.get $11)
                   (local.tee $3
                    (i64.extend_i32_u
                     (i32.shr_u
                      (local.get $9)
                      (i32.const 8)
                     )
                    )
                   )
                  )
                 )
                 (i64.shl
                  (local.tee $5
                   (i64.add
                    (local.get $11)
                    (local.get $12)
                   )
                  )
                  (local.get $3)
                 )
                )
                (i32.eq
                 (local.tee $10
                  (i32.and
                   (local.get $9)
                   (i32.const 255)
                  )
                 )
                 (i32.const 3)
                )
               )
              )
              (drop
               (br_if $block1
                (i64.le_u
                 (local.get $11)
                 (local.get $12)
                )
                (i32.eq
                 (local.get $10)
                 (i32.const 4)
                )
               )
              )
              (i64.le_u
               (i64.shl
                (i64.add
                 (local.get $5)
                 (i64.const 1)
                )
                (local.get $3)
               )
               (local.get $4)
              )
             )
            )
           )
          )
         )
         (block (result i32)
          (local.set $9
           (i32.const 8193)
          )
          (local.set $11
           (i64.extend_i32_s
            (local.get $8)
           )
          )
          (i32.const 0)
         )
        )
        (select
         (i32.const 2048)
         (i32.const 0)
         (i32.eq
          (local.get $7)
          (i32.const -2147483648)
         )
        )
       )
       (select
        (i32.const 0)
        (i32.const 16)
        (i32.and
         (local.get $7)
         (i32.const 15)
        )
       )
      )
     )
    )
    (local.set $6
     (i64.extend_i32_u
      (local.get $8)
     )
    )
    (if
     (i32.eqz
      (block (result i32)
       (block (result i32)
        (i64.eqz
         (local.get $11)
        )
       )
      )
     )
     (then
      (local.set $1
       (i64.add
        (local.get $1)
        (i64.const 2)
       )
      )
      (br $label)
     )
    )
    (i64.store offset=524432
     (i32.const 0)
     (i64.add
      (local.get $2)
      (i64.const 4)
     )
    )
    (local.set $1
     (i64.add
      (local.get $1)
      (i64.const 2)
     )
    )
    (br $block)
   )
   (unreachable)
  )
  (i64.store offset=524296
   (i32.const 0)
   (local.get $6)
  )
  (global.set $gimport$0
   (local.get $9)
  )
  (global.set $gimport$1
   (local.get $11)
  )
  (global.set $gimport$2
   (local.get $12)
  )
  (i64.store offset=524768
   (i32.const 0)
   (local.get $1)
  )
  (return_call $fimport$0
   (i32.const 0)
  )
 )
)
