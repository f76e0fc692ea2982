/* Generated from src/wire/ops.ts by "make generate". Do not edit. */
#ifndef DAVIT_OPS_GEN_H
#define DAVIT_OPS_GEN_H
#define DAVIT_TABLE_HASH 3305931507u

#define OP_JUMP 1u
#define OP_CALL 2u
#define OP_CLOSE 3u
#define OP_MKPATH 4u
#define OP_WRITE 5u
#define OP_FSMOUNT 6u
#define OP_VERIFY 7u
#define OP_CHDIR 8u
#define OP_SYNC 9u
#define OP_SENDFD 10u
#define OP_FORK 11u
#define OP_SPAWN 12u
#define OP_WAIT 13u
#define OP_FIND 14u
#define OP_EXEC 15u
#define OP_NETLINK 16u
#define OP_MASK 17u
#define OP_READONLY 18u
#define OP_CAPDROP 19u
#define OP_READY 20u
#define OP_FILTER 21u
#define OP_COPYTREE 22u
#define OP_VERIFYLINK 23u
#define OP_EXPECT 24u
#define OP_HEAR 25u

#define ARG_IMM 0u
#define ARG_SLOT 1u
#define ARG_STR 2u
#define ARG_BUF 3u

#define VERIFY_FSTYPE 1u
#define VERIFY_DEVICE 2u
#define VERIFY_TYPE 3u
#define VERIFY_INODE 4u

#define WIRE_MAGIC 827741252u
#define WIRE_HEADER_SIZE 64u
#define WIRE_RECORD_SIZE 64u
#define WIRE_MESSAGE_SIZE 24u
#define WIRE_SLOTS 512u
#define WIRE_NO_SLOT 65535u
#define WIRE_MAX_RECORDS 65535u
#define WIRE_MAX_ARGS 6u
#define WIRE_MAX_TOLERATE 4u

#define PREPARED_PEER 1u
#define PREPARED_UNTOLD 2u
#define PREPARED_FOLDER 3u
#define PREPARED_CODE 4u
#define PREPARED_SIGNAL 5u
#define PREPARED_KILLED 6u
#define PREPARED_PROCESS 7u

#define REPORT_SYNC 1u
#define REPORT_FD 2u
#define REPORT_CHILD 3u
#define REPORT_FAILED 4u
#define REPORT_LISTENER 5u

#define PROGRAM_STAGE 0u
#define PROGRAM_INIT 1u

#define NATIVE_HASH 65536u
#define NATIVE_LAUNCH 65537u
#define NATIVE_RECEIVE 65538u
#define NATIVE_SEND_FD 65539u
#define NATIVE_CATCH_SIGNALS 65540u
#define NATIVE_ADDRESS 65541u
#define NATIVE_BEGIN_LAUNCH 65542u
#define NATIVE_FINISH_LAUNCH 65543u
#define NATIVE_LEAVE_LAUNCH 65544u
#define NATIVE_CRC32 65545u
#define NATIVE_REPLACE 65546u

#define CUSTOM_VERIFY 84u
#define CUSTOM_OUTSIDE 18u
#define CUSTOM_TIMEOUT 62u
#define CUSTOM_CHILD 83u

#endif
